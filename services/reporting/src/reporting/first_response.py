"""First response: when a person first answered the customer in a cycle of a ticket, and how long it took. Pure."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from contracts.tickets import TicketEvent, TicketMessageAdded
from reporting.hours_history import Period, business_time


class FirstResponse(BaseModel):
    """One answer. Its times are fixed when it is given: later changes of office hours do not touch them."""

    model_config = ConfigDict(frozen=True)

    at: datetime
    agent_id: str | None
    wall_seconds: float
    business_seconds: float


def is_response(event: TicketEvent) -> bool:
    """Whether an agent spoke to the customer: neither a note nor anything automatic counts."""
    return (
        isinstance(event, TicketMessageAdded)
        and event.kind == "outbound"
        and not event.automatic
        and event.actor.kind == "agent"
    )


def first_response(event: TicketEvent, kept: Sequence[Period]) -> FirstResponse:
    """The response, measured from the opening of the cycle (R2)."""
    opened_at = event.ticket.cycle_opened_at
    return FirstResponse(
        at=event.time,
        agent_id=event.actor.id,
        wall_seconds=max(0.0, (event.time - opened_at).total_seconds()),
        business_seconds=business_time(kept, opened_at, event.time).total_seconds(),
    )
