"""Following one ticket: its events by number, and who looks at it (L6)."""

from collections.abc import Sequence

from pydantic import BaseModel

from tickets.live.live_news import of_ticket
from tickets.live.live_presence_workflow import LivePresence, PresentAgent
from tickets.live.live_response import event
from tickets.ticket.history import event_view
from tickets.ticket.history_store import HistoryStore
from tickets.ticket.model import HistoryEntry, Ticket

_AT_ONCE = 100


class Ready(BaseModel):
    """From where a stream goes on: what follows has a higher number."""

    seq: int


class WhoIsThere(BaseModel):
    """Everybody who looks at a ticket or writes in it."""

    agents: Sequence[PresentAgent]


class TicketSource:
    """A ticket's events after `after_seq`, without a gap and each once, and its presence whole at every change.

    It reads the store by number: a nudge says only that it is time to look. Presence has no number, because nobody
    needs to know who was there.
    """

    rest_seconds = 0.0

    def __init__(self, history: HistoryStore, presence: LivePresence, ticket: Ticket, after_seq: int | None) -> None:
        self._history = history
        self._presence = presence
        self._ticket = ticket
        newest = ticket.event_seq
        self._seq = newest if after_seq is None else min(after_seq, newest)
        self._shown: Sequence[PresentAgent] | None = None

    @property
    def keys(self) -> Sequence[str]:
        """The ticket."""
        return (of_ticket(self._ticket.id),)

    async def look(self) -> Sequence[bytes]:
        """What happened since, and who is there if that changed; the first time, also from where it goes on."""
        said: list[bytes] = []
        if self._shown is None:
            said.append(event("ready", Ready(seq=self._seq), str(self._seq)))
        there = await self._presence.who(self._ticket.account_id, self._ticket.id)
        if there != self._shown:
            self._shown = there
            said.append(event("presence", WhoIsThere(agents=there)))
        entries = await self._history.after(self._ticket.id, self._seq, limit=_AT_ONCE)
        for entry in without_gap(entries, self._seq):
            self._seq = entry.seq
            said.append(event("ticket", event_view(entry), str(entry.seq)))
        return said


def without_gap(entries: Sequence[HistoryEntry], seq: int) -> Sequence[HistoryEntry]:
    """Those that follow each other from `seq` on: a writer in the midst of many may be seen with a later one first."""
    expected = range(seq + 1, seq + 1 + len(entries))
    following = zip(entries, expected, strict=True)
    return [entry for entry, place in following if entry.seq == place]
