"""Cycles: a ticket from its opening, or a reopening, until the next, as reports count it. Pure; no I/O."""

from collections.abc import Callable, Iterable, Sequence

from contracts.envelope import UtcDatetime
from contracts.people import Channel
from contracts.tickets import TicketClosed, TicketEvent
from reporting.first_response import FirstResponse, first_response, is_response
from reporting.hours_history import Period
from service_kit.docstore import CollectionSpec, Document, Index


class Cycle(Document):
    """The facts of one cycle; the id is ticket and cycle.

    Team, agent and tags are those of the last event of the cycle. `last_seq` is the last event counted: what comes
    again with a lower number has been counted already.
    """

    account_id: str
    ticket_id: str
    number: int
    channel: Channel
    team_id: str | None
    agent_id: str | None
    tags: tuple[str, ...]
    opened_at: UtcDatetime
    answered_at: UtcDatetime | None = None
    response: FirstResponse | None = None
    closed_at: UtcDatetime | None = None
    last_seq: int

    @property
    def is_reopening(self) -> bool:
        """Whether the ticket had been closed before."""
        return self.number > 1


CYCLES = CollectionSpec(
    name="cycles",
    model=Cycle,
    indexes=(
        Index(("account_id", "opened_at")),
        Index(("account_id", "answered_at")),
        Index(("account_id", "closed_at")),
    ),
)

Hours = Callable[[str], Sequence[Period]]
"""The office hours an account kept."""


def cycle_id(event: TicketEvent) -> str:
    """Which cycle an event belongs to."""
    return f"{event.ticket_id}/{event.ticket.cycle}"


def needs_hours(event: TicketEvent) -> bool:
    """Whether counting the event may ask for office hours."""
    return is_response(event)


def counted(cycle: Cycle | None, events: Iterable[TicketEvent], hours: Hours) -> Cycle | None:
    """The cycle after more of its events, in order; the very same if it has counted them all already."""
    for event in events:
        if cycle is None:
            cycle = _begun(event)
        elif event.seq <= cycle.last_seq:
            continue
        cycle = _counted_one(cycle, event, hours)
    return cycle


def _begun(event: TicketEvent) -> Cycle:
    ticket = event.ticket
    return Cycle(
        id=cycle_id(event),
        account_id=event.account_id,
        ticket_id=event.ticket_id,
        number=ticket.cycle,
        channel=ticket.channel,
        team_id=ticket.team_id,
        agent_id=ticket.assignee_id,
        tags=ticket.tags,
        opened_at=ticket.cycle_opened_at,
        last_seq=0,
    )


def _counted_one(cycle: Cycle, event: TicketEvent, hours: Hours) -> Cycle:
    ticket = event.ticket
    update: dict[str, object] = {
        "team_id": ticket.team_id,
        "agent_id": ticket.assignee_id,
        "tags": ticket.tags,
        "last_seq": event.seq,
    }
    if cycle.response is None and is_response(event):
        response = first_response(event, hours(event.account_id))
        update |= {"response": response, "answered_at": response.at}
    # A ticket that is merged goes on in another one, which is resolved in its turn.
    if isinstance(event, TicketClosed) and ticket.merged_into is None:
        update |= {"closed_at": event.time}
    return cycle.model_copy(update=update)
