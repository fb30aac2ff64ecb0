"""The events of a ticket for people to read: those published, and those still on their way out."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from contracts.envelope import UtcDatetime
from contracts.people import Actor
from contracts.tickets import TicketEvent
from service_kit.http.pages import PageOf
from tickets.ticket.history_store import HistoryStore
from tickets.ticket.model import HistoryEntry, Ticket
from tickets.writing.publication import history_entry

_MISSED = 50
"""How many events a stale writer is told of at most: the newest."""


class EventView(BaseModel):
    """One event as the API shows it."""

    seq: int
    type: str
    actor: Actor
    cause: str
    at: UtcDatetime
    data: dict[str, Any]


class History:
    """Reads the history without a gap: what is stored, then what the ticket's outbox still holds."""

    def __init__(self, history: HistoryStore) -> None:
        self._history = history

    async def page(self, ticket: Ticket, *, limit: int, cursor: str | None) -> PageOf[EventView]:
        """Events in order. `ticket` was read before: what has left its outbox since then is stored by now."""
        page = await self._history.page(ticket.id, limit=limit, cursor=cursor)
        entries = list(page.items)
        if page.next_cursor is None:
            last = entries[-1].seq if entries else 0
            entries += [entry for entry in _unpublished(ticket) if entry.seq > last]
        return PageOf(items=[event_view(entry) for entry in entries], next_cursor=page.next_cursor)

    async def since(self, ticket: Ticket, version: int) -> Sequence[EventView]:
        """The newest events after a version, in order."""
        stored = await self._history.latest(ticket.id, limit=_MISSED)
        entries = {entry.seq: entry for entry in (*stored, *_unpublished(ticket)) if entry.version > version}
        return [event_view(entries[seq]) for seq in sorted(entries)[-_MISSED:]]


def _unpublished(ticket: Ticket) -> Sequence[HistoryEntry]:
    events = (entry.event() for entry in ticket.outbox)
    return [history_entry(event) for event in events if isinstance(event, TicketEvent)]


def event_view(entry: HistoryEntry) -> EventView:
    """A kept event as the API shows it."""
    return EventView(seq=entry.seq, type=entry.type, actor=entry.actor, cause=entry.cause, at=entry.at, data=entry.data)
