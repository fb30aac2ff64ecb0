"""Following a list: which tickets came into it, changed in it, or left it (V1).

Its place is a moment: when events were written here, in order. Two replicas' clocks differ a little, and what was
written first may be seen second: so one looks back over a while each time, and says only what was not said yet.
See decision 0024.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel

from contracts.tickets import TicketFacts
from service_kit.clock import Clock
from tickets.live.live_news import of_account
from tickets.live.live_problems import bad_last_event_id
from tickets.live.live_response import event
from tickets.live.live_view import FollowedView
from tickets.ticket.history_store import HistoryStore
from tickets.ticket.model import HistoryEntry

MOST_MISSED = 2_000
"""Events; who missed more reads the list anew."""
OLDEST = timedelta(days=1)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_OVERLAP = timedelta(seconds=15)
"""More than replicas' clocks differ, and a write takes."""
_SHORT_OVERLAP = timedelta(seconds=1)
_LOOK_BACK_SECONDS = 3.0
"""How often one looks back over the whole of it; between, the short one will do."""
_AT_ONCE = 200
_LATEST_PLACE = 10**17


class Place(BaseModel):
    """From where a list's stream goes on. `reset`: changes before it are missing; the list must be read anew."""

    at: datetime
    reset: bool


class ChangedTicket(BaseModel):
    """A ticket that changed: by which event, and whether the list shows it now; else it did before.

    `in_view` may be true for a ticket that a view with words to search for does not show.
    """

    id: str
    number: int
    seq: int
    version: int
    type: str
    in_view: bool


def place_of(moment: datetime) -> str:
    """A moment as the id of an event."""
    return str((moment - _EPOCH) // _MICROSECOND)


def moment_of(place: str) -> datetime:
    """The moment that a reader says it has read to.

    Raises:
        Problem: it is not a place of such a stream.
    """
    if not place.isascii() or not place.isdigit() or int(place) > _LATEST_PLACE:
        raise bad_last_event_id()
    return _EPOCH + int(place) * _MICROSECOND


class ViewSource:
    """Changes in one view since a moment; a change that was told just before that moment may be told again.

    They are known again by ticket and `seq`. Of much that happens at once each is told, in the order of its writing.
    """

    rest_seconds = 0.25

    def __init__(
        self, history: HistoryStore, account_id: str, view: FollowedView, clock: Clock, since: datetime | None
    ) -> None:
        self._history = history
        self._account_id = account_id
        self._view = view
        self._clock = clock
        self._asked = since
        self._since = clock.now()
        self._said: dict[str, datetime] = {}
        self._is_placed = False
        self._looked_back_at = float("-inf")

    @property
    def keys(self) -> Sequence[str]:
        """Any ticket of the account."""
        return (of_account(self._account_id),)

    async def look(self) -> Sequence[bytes]:
        """What changed and was not said yet; the first time, from where it goes on."""
        if not self._is_placed:
            return [await self._first_place()]
        while fresh := await self._fresh():
            before = await self._before(fresh)
            for entry in fresh:
                self._note(entry)
            if told := [said for entry in fresh if (said := self._told(entry, before))]:
                return told
        return ()

    async def _first_place(self) -> bytes:
        """Where the stream begins: where the reader was, unless too much happened since."""
        now, reset = self._clock.now(), False
        if self._asked is not None:
            reset = not now - OLDEST <= self._asked <= now + _OVERLAP or await self._missed() > MOST_MISSED
            self._since = now if reset else self._asked
        if self._asked is None or reset:
            await self._skip(now)
        self._is_placed = True
        return event("ready", Place(at=self._since, reset=reset), place_of(self._since))

    async def _missed(self) -> int:
        asked = self._asked or self._since
        return await self._history.count_since(self._account_id, asked, at_most=MOST_MISSED + 1)

    async def _skip(self, now: datetime) -> None:
        """What was written before the reader came is not news."""
        self._since = now
        while fresh := await self._fresh():
            for entry in fresh:
                self._note(entry)

    async def _fresh(self) -> Sequence[HistoryEntry]:
        """The next events that were not looked at yet, a page at most."""
        since, cursor = self._since - self._overlap(), None
        while True:
            page = await self._history.recorded_since(self._account_id, since, limit=_AT_ONCE, cursor=cursor)
            if fresh := [entry for entry in page.items if entry.id not in self._said]:
                return fresh
            cursor = page.next_cursor
            if cursor is None:
                return ()

    def _overlap(self) -> timedelta:
        now = asyncio.get_running_loop().time()
        if now - self._looked_back_at < _LOOK_BACK_SECONDS:
            return _SHORT_OVERLAP
        self._looked_back_at = now
        return _OVERLAP

    def _note(self, entry: HistoryEntry) -> None:
        written = entry.recorded_at or self._since
        self._said[entry.id] = written
        if written > self._since:
            self._since = written
            oldest = written - 2 * _OVERLAP
            if len(self._said) > _AT_ONCE and next(iter(self._said.values())) < oldest:
                self._said = {one: at for one, at in self._said.items() if at >= oldest}

    async def _before(self, entries: Sequence[HistoryEntry]) -> dict[tuple[str, int], TicketFacts]:
        """The tickets as they stood before those events after which the view does not show them."""
        gone = [(entry.ticket_id, entry.seq - 1) for entry in entries if not self._view.may_show(_facts(entry))]
        return {place: _facts(entry) for place, entry in (await self._history.numbered(gone)).items()}

    def _told(self, entry: HistoryEntry, before: dict[tuple[str, int], TicketFacts]) -> bytes | None:
        facts = _facts(entry)
        in_view = self._view.may_show(facts)
        earlier = before.get((entry.ticket_id, entry.seq - 1))
        # Of a forgotten ticket nobody can say any more whether the view showed it.
        has_left = facts.hidden if earlier is None else self._view.may_show(earlier)
        if not in_view and not has_left:
            return None
        changed = ChangedTicket(
            id=entry.ticket_id,
            number=facts.number,
            seq=entry.seq,
            version=entry.version,
            type=entry.type,
            in_view=in_view,
        )
        return event("ticket", changed, place_of(entry.recorded_at or self._since))


def _facts(entry: HistoryEntry) -> TicketFacts:
    return TicketFacts.model_validate(entry.data["ticket"])
