"""Mentions as the agents named see them: theirs alone, those they have not read first (N3). Pure; no I/O."""

from contracts.envelope import UtcDatetime
from contracts.ids import derive_id
from contracts.people import Actor
from contracts.tickets import TicketAgentMentioned
from service_kit.docstore import CollectionSpec, Document, Index


class Mention(Document):
    """That a note names an agent. What it says is the note's; `by` wrote it."""

    account_id: str
    agent_id: str
    ticket_id: str
    message_id: str
    by: Actor
    at: UtcDatetime
    is_read: bool = False

    @property
    def place(self) -> str:
        """What a list is ordered by, from its end: unread before read, the latest first."""
        return f"{not self.is_read:d}/{self.at.isoformat(timespec='microseconds')}"


MENTIONS = CollectionSpec(
    name="mentions",
    model=Mention,
    indexes=(
        Index(("account_id", "agent_id", "place")),
        Index(("account_id", "agent_id", "is_read", "place")),
        Index(("ticket_id", "agent_id")),
    ),
)


def mention(event: TicketAgentMentioned) -> Mention:
    """The mention that an event tells of; told again it is the same one."""
    return Mention(
        id=derive_id("men", event.message_id, event.agent_id),
        account_id=event.account_id,
        agent_id=event.agent_id,
        ticket_id=event.ticket_id,
        message_id=event.message_id,
        by=event.actor,
        at=event.time,
    )
