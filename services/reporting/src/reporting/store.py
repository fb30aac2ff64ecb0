"""Every query of reporting."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal, TypeVar

from reporting.archive import ARCHIVE, ArchivedEvent
from reporting.cycles import CYCLES, Cycle
from reporting.handovers import HANDOVERS, Handover
from reporting.hours_history import SETTINGS_VERSIONS, SettingsVersion
from reporting.traffic import TRAFFIC, Traffic
from service_kit.docstore import All, Cmp, Collection, DocStore, Document, Eq, Fate, Filter, Sort
from service_kit.docstore.saving import save_many

D = TypeVar("D", bound=Document)

CycleMoment = Literal["opened_at", "answered_at", "closed_at"]

_PAGE = 1_000
_DAY = timedelta(days=1)


class ReportingStore:
    """The archive, the facts made from it, and the settings that were valid when."""

    def __init__(self, store: DocStore) -> None:
        self.cycles = store.collection(CYCLES)
        self.traffic = store.collection(TRAFFIC)
        self._handovers = store.collection(HANDOVERS)
        self._archive = store.collection(ARCHIVE)
        self._settings = store.collection(SETTINGS_VERSIONS)

    async def keep_events(self, events: Sequence[ArchivedEvent]) -> None:
        """Archive events; those that are kept already stay as they are."""
        if events:
            await self._archive.insert_many(events)

    async def keep_handovers(self, handovers: Sequence[Handover]) -> None:
        """Keep handovers; those that are kept already stay as they are."""
        if handovers:
            await self._handovers.insert_many(handovers)

    def handovers_in(self, account_id: str, start: datetime, end: datetime) -> AsyncIterator[Handover]:
        """Handovers of an account from `start` until before `end`."""
        return _every(
            self._handovers,
            All(Eq("account_id", account_id), Cmp("at", ">=", start), Cmp("at", "<", end)),
            Sort("at"),
        )

    async def keep_settings(self, versions: Sequence[SettingsVersion]) -> None:
        """Keep versions of settings; those that are kept already stay as they are."""
        if versions:
            await self._settings.insert_many(versions)

    async def settings_versions(self, account_id: str) -> Sequence[SettingsVersion]:
        """Every version of the settings that say an account's office hours."""
        return [version async for version in _every(self._settings, Eq("account_id", account_id), Sort("id"))]

    def cycles_by(self, moment: CycleMoment, account_id: str, start: datetime, end: datetime) -> AsyncIterator[Cycle]:
        """Cycles of an account of which `moment` lies from `start` until before `end`."""
        return _every(
            self.cycles,
            All(Eq("account_id", account_id), Cmp(moment, ">=", start), Cmp(moment, "<", end)),
            Sort(moment),
        )

    def traffic_in(self, account_id: str, start: datetime, end: datetime) -> AsyncIterator[Traffic]:
        """Traffic of an account on the UTC days that the time touches."""
        return _every(
            self.traffic,
            All(Eq("account_id", account_id), Cmp("day", ">", start - _DAY), Cmp("day", "<", end)),
            Sort("day"),
        )

    async def cycles_of(self, ids: Iterable[str]) -> Mapping[str, Cycle]:
        """Cycles by id."""
        return await self.cycles.get_many(ids)


async def save(collection: Collection[D], documents: Sequence[D]) -> frozenset[str]:
    """Write facts; the ids of those that somebody else wrote first."""
    fates = await save_many(collection, documents)
    return frozenset(one.id for one, fate in zip(documents, fates, strict=True) if fate is not Fate.DONE)


async def _every(collection: Collection[D], where: Filter, sort: Sort) -> AsyncIterator[D]:
    """All matches, along an index: in another order every page would sort all of them again."""
    cursor: str | None = None
    while True:
        page = await collection.find(where, sort=sort, limit=_PAGE, cursor=cursor)
        for document in page.items:
            yield document
        cursor = page.next_cursor
        if cursor is None:
            return
