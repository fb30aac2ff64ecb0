"""What a stale writer has not read: the messages among the events that a 412 names (L6)."""

from typing import Any

from pydantic import BaseModel

from contracts.envelope import UtcDatetime
from contracts.tickets import MessageKind, TicketMessageAdded
from service_kit.problem import Problem
from tickets.lists.message_view import AuthorView
from tickets.ticket.message_store import MessageStore
from tickets.ticket.model import Message

_MOST = 20
_CHARACTERS = 2_000
_MESSAGE_ADDED = TicketMessageAdded.model_fields["type"].default


class MissedMessage(BaseModel):
    """A message as a warning shows it: the beginning of its text."""

    id: str
    seq: int | None
    kind: MessageKind
    author: AuthorView
    text: str
    is_whole: bool
    created_at: UtcDatetime

    @classmethod
    def of(cls, message: Message) -> "MissedMessage":
        """The beginning of a message."""
        return cls(
            id=message.id,
            seq=message.seq,
            kind=message.kind,
            author=AuthorView(kind=message.author.kind, id=message.author.id, name=message.author_name),
            text=message.text[:_CHARACTERS],
            is_whole=len(message.text) <= _CHARACTERS,
            created_at=message.created_at,
        )


async def with_missed_messages(problem: Problem, messages: MessageStore) -> Problem:
    """The problem; one that says `stale` with `missed_messages`, the newest, in order."""
    events: list[dict[str, Any]] = problem.extra.get("missed", []) if problem.code == "stale" else []
    ids = [event["data"]["message_id"] for event in events if event["type"] == _MESSAGE_ADDED][-_MOST:]
    found = await messages.get_many(ids) if ids else {}
    shown = [MissedMessage.of(found[one]).model_dump(mode="json") for one in ids if one in found]
    if problem.code == "stale":
        problem.extra["missed_messages"] = shown
    return problem
