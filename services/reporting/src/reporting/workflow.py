"""Taking events in: archive first, then the facts; all of it may be done again without changing anything."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from contracts.envelope import Event
from contracts.settings import SettingsChanged
from contracts.tickets import TicketEvent
from reporting import cycles, traffic
from reporting.archive import archived
from reporting.errors import FactsContended
from reporting.handovers import handover
from reporting.hours_history import Period, periods, settings_version
from reporting.store import ReportingStore, save
from service_kit.crash_points import crash_point
from service_kit.docstore import Collection, Document

D = TypeVar("D", bound=Document)

_ATTEMPTS = 20


class Intake:
    """What the subscriptions of reporting do."""

    def __init__(self, store: ReportingStore) -> None:
        self._store = store

    async def archive(self, events: Sequence[Event]) -> None:
        """Keep events that no report counts yet."""
        await self._store.keep_events([archived(event) for event in events])

    async def remember_settings(self, changes: Sequence[SettingsChanged]) -> None:
        """Keep what says which office hours were valid when."""
        versions = [version for change in changes if (version := settings_version(change)) is not None]
        await self._store.keep_settings(versions)

    async def count(self, events: Sequence[Event]) -> None:
        """Keep events of tickets, and count them."""
        await self.archive(events)
        crash_point("reporting.archived")
        told = [event for event in events if isinstance(event, TicketEvent)]
        hours = await self._hours(told)
        await _settle(
            self._store.cycles,
            _grouped(told, cycles.cycle_id),
            lambda cycle, more: cycles.counted(cycle, more, hours.__getitem__),
        )
        crash_point("reporting.cycles_counted")
        await self._store.keep_handovers([one for event in told if (one := handover(event)) is not None])
        exchanged = filter(traffic.is_traffic, told)
        await _settle(self._store.traffic, _grouped(exchanged, traffic.traffic_id), traffic.counted)

    async def _hours(self, events: Iterable[TicketEvent]) -> Mapping[str, Sequence[Period]]:
        concerned = {event.account_id for event in events if cycles.needs_hours(event)}
        return {account_id: periods(await self._store.settings_versions(account_id)) for account_id in concerned}


def _grouped(events: Iterable[TicketEvent], name: Callable[[TicketEvent], str]) -> dict[str, list[TicketEvent]]:
    groups: dict[str, list[TicketEvent]] = {}
    for event in events:
        groups.setdefault(name(event), []).append(event)
    return groups


async def _settle(
    collection: Collection[D],
    groups: Mapping[str, Sequence[TicketEvent]],
    counted: Callable[[D | None, Iterable[TicketEvent]], D | None],
) -> None:
    """Bring documents up to date with their events; losers of a race are read and counted again."""
    pending = dict(groups)
    for _ in range(_ATTEMPTS):
        stored = await collection.get_many(pending)
        wanted = {name: counted(stored.get(name), events) for name, events in pending.items()}
        changed = [one for name, one in wanted.items() if one is not None and one is not stored.get(name)]
        lost = await save(collection, changed)
        pending = {name: events for name, events in pending.items() if name in lost}
        if not pending:
            return
    raise FactsContended(f"{len(pending)} facts were written by others {_ATTEMPTS} times")
