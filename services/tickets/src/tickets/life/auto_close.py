"""Closing what the customer has not answered (L4). Pure."""

from datetime import datetime, timedelta

from tickets.life.life import closed
from tickets.ticket.model import Ticket
from tickets.ticket.ticket_events import SYSTEM

CAUSE = "auto_close"


def quiet_before(hours: int, now: datetime) -> datetime:
    """What has waited for the customer since then has waited long enough."""
    return now - timedelta(hours=hours)


def closed_if_quiet(ticket: Ticket, before: datetime, *, now: datetime) -> Ticket:
    """The ticket closed, if it still waits for the customer and has done so since `before`."""
    waiting_since = ticket.awaits_customer_since
    if waiting_since is None or waiting_since > before or ticket.merge_claim is not None:
        return ticket
    return closed(ticket, actor=SYSTEM, cause=CAUSE, now=now)
