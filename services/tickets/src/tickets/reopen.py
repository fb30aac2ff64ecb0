"""What a customer's message does to a ticket it belongs to, by channel and preset (L2, L3, X5, M3, W2). Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, assert_never

from contracts.people import Channel
from tickets.model import Ticket

Preset = Literal["guide", "status_page", "zendesk"]

MAX_REOPENS_PER_HOUR = 5
"""The brake on loops: beyond it a message is appended and the ticket stays closed."""


@dataclass(frozen=True, slots=True)
class Append:
    """The message joins the ticket and changes nothing else."""

    rule: str


@dataclass(frozen=True, slots=True)
class Wake:
    """The message joins the ticket and ends its snooze."""

    rule: str


@dataclass(frozen=True, slots=True)
class Reopen:
    """The message joins the ticket and opens it again: a new cycle."""

    rule: str


@dataclass(frozen=True, slots=True)
class Continue:
    """The ticket stays closed; the message opens another one that follows it up."""

    rule: str


Effect = Append | Wake | Reopen | Continue


@dataclass(frozen=True, slots=True)
class Reopening:
    """Until how long after closing a message reopens; `within` None: whatever the time elapsed."""

    allowed: bool = True
    within: timedelta | None = None


_ALWAYS = Reopening()
_NEVER = Reopening(allowed=False)

PRESETS: Mapping[Preset, Mapping[Channel, Reopening]] = {
    "guide": {"email": _ALWAYS, "sms": _ALWAYS, "web_chat": _NEVER},
    "status_page": {
        "email": Reopening(within=timedelta(days=3)),
        "sms": Reopening(within=timedelta(days=3)),
        "web_chat": _NEVER,
    },
    "zendesk": {
        "email": Reopening(within=timedelta(days=28)),
        "sms": Reopening(within=timedelta(days=28)),
        "web_chat": _NEVER,
    },
}


def on_message(ticket: Ticket, *, automatic: bool, preset: Preset, now: datetime) -> Effect:
    """What a message of this thread does to its ticket. Automatic mail never wakes, reopens or continues."""
    if automatic:
        return Append("automatic")
    match ticket.status:
        case "open":
            return Append("open_ticket")
        case "snoozed":
            return Wake("customer_reply")
        case "closed":
            return _on_closed(ticket, preset, now)
        case _:
            assert_never(ticket.status)


def new_thread_reopens(ticket: Ticket, *, preset: Preset, now: datetime) -> bool:
    """Whether a mail of a new thread reopens the sender's last closed ticket (X5): only with `status_page`."""
    return preset == "status_page" and isinstance(_on_closed(ticket, preset, now), Reopen)


def by_hand(channel: Channel, preset: Preset) -> bool:
    """Whether an agent may reopen (L3)."""
    return channel != "web_chat" and preset != "status_page"


def _on_closed(ticket: Ticket, preset: Preset, now: datetime) -> Effect:
    reopening = PRESETS[preset][ticket.channel]
    if not reopening.allowed:
        return Continue("closed_for_good")
    if reopening.within is not None and ticket.closed_at is not None and now - ticket.closed_at > reopening.within:
        return Continue("reopen_window_over")
    if len(recent_reopens(ticket, now)) >= MAX_REOPENS_PER_HOUR:
        return Append("reopen_brake")
    return Reopen("reopened")


def recent_reopens(ticket: Ticket, now: datetime) -> tuple[datetime, ...]:
    """When the ticket was reopened within the last hour."""
    return tuple(at for at in ticket.reopened_at if now - at < timedelta(hours=1))
