from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.people import Actor
from tickets.life import closed, reopened, snoozed, timer_rang
from tickets.model import Ticket
from tickets.reopen import (
    MAX_REOPENS_PER_HOUR,
    PRESETS,
    Append,
    Continue,
    Reopen,
    Wake,
    by_hand,
    new_thread_reopens,
    on_message,
)

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ANN = Actor(kind="agent", id="agt_1")

MakeTicket = Callable[..., Ticket]


@pytest.mark.parametrize(
    ("preset", "channel", "days", "effect"),
    [
        ("guide", "email", 5000, Reopen("reopened")),
        ("guide", "sms", 5000, Reopen("reopened")),
        ("guide", "web_chat", 0, Continue("closed_for_good")),
        ("status_page", "email", 3, Reopen("reopened")),
        ("status_page", "email", 4, Continue("reopen_window_over")),
        ("status_page", "sms", 4, Continue("reopen_window_over")),
        ("status_page", "web_chat", 0, Continue("closed_for_good")),
        ("zendesk", "sms", 28, Reopen("reopened")),
        ("zendesk", "email", 29, Continue("reopen_window_over")),
    ],
)
def test_closed_tickets(make_ticket: MakeTicket, preset: Any, channel: str, days: int, effect: Any):
    """What a message does to a closed ticket, by preset, channel and time elapsed (X5, M3, W2)."""
    ticket = make_ticket(channel=channel, status="closed", closed_at=NOON - timedelta(days=days))

    assert on_message(ticket, automatic=False, preset=preset, now=NOON) == effect


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("channel", ["email", "sms", "web_chat"])
@pytest.mark.parametrize("status", ["open", "snoozed", "closed"])
def test_machines_change_nothing(make_ticket: MakeTicket, preset: Any, channel: str, status: str):
    """Automatic mail is appended whatever the state: it never wakes, reopens or continues (X7, L3)."""
    ticket = make_ticket(channel=channel, status=status, closed_at=NOON)

    assert on_message(ticket, automatic=True, preset=preset, now=NOON) == Append("automatic")


@pytest.mark.parametrize(("status", "effect"), [("open", Append("open_ticket")), ("snoozed", Wake("customer_reply"))])
def test_tickets_that_are_not_closed(make_ticket: MakeTicket, status: str, effect: Any):
    """A message joins an open ticket and wakes a snoozed one (L2)."""
    assert on_message(make_ticket(status=status), automatic=False, preset="guide", now=NOON) == effect


@given(minutes=st.lists(st.integers(0, 180), max_size=12))
def test_brake(make_ticket: MakeTicket, minutes: list[int]):
    """A ticket is reopened at most five times within any hour; beyond that it stays closed (L3)."""
    at = tuple(NOON - timedelta(minutes=minute) for minute in minutes)
    ticket = make_ticket(status="closed", closed_at=NOON, reopened_at=at)
    effect = on_message(ticket, automatic=False, preset="guide", now=NOON)

    within = sum(minute < 60 for minute in minutes)
    assert effect == (Append("reopen_brake") if within >= MAX_REOPENS_PER_HOUR else Reopen("reopened"))


def test_new_threads(make_ticket: MakeTicket):
    """Only `status_page` lets a new thread reopen the last ticket, and only in its window (X5)."""
    fresh = make_ticket(status="closed", closed_at=NOON - timedelta(days=1))
    old = make_ticket(status="closed", closed_at=NOON - timedelta(days=9))
    answers = {preset: new_thread_reopens(fresh, preset=preset, now=NOON) for preset in PRESETS}

    assert answers == {"guide": False, "status_page": True, "zendesk": False}
    assert not new_thread_reopens(old, preset="status_page", now=NOON)


def test_reopening_by_hand():
    """Agents may reopen mail and SMS, never chat, and nothing with `status_page` (L3)."""
    allowed = {
        (channel, preset) for channel in ("email", "sms", "web_chat") for preset in PRESETS if by_hand(channel, preset)
    }

    assert allowed == {("email", "guide"), ("sms", "guide"), ("email", "zendesk"), ("sms", "zendesk")}


def test_reopening_ends_a_hold_and_old_decisions(make_ticket: MakeTicket):
    """A reopened ticket begins a cycle, may be assigned again, and no earlier decision applies (A6, L5)."""
    ticket = make_ticket(status="closed", closed_at=NOON, held=True)
    after = reopened(ticket, owner_stays=True, actor=ANN, cause="agent", now=NOON)

    assert (after.status, after.cycle, after.held, after.closed_at) == ("open", 2, False, None)
    assert after.assignment_epoch > ticket.assignment_epoch


def test_a_timer_that_rings_too_early(make_ticket: MakeTicket):
    """A ticket that was snoozed again for longer sleeps until its new time (L2)."""
    first = snoozed(make_ticket(), until=NOON + timedelta(hours=1), actor=ANN, now=NOON)
    longer = snoozed(first, until=NOON + timedelta(days=1), actor=ANN, now=NOON)
    early = timer_rang(longer, now=NOON + timedelta(hours=1))
    late = timer_rang(longer, now=NOON + timedelta(days=9))

    assert (early.status, early.due_at) == ("snoozed", NOON + timedelta(days=1))
    assert (late.status, late.due) == ("open", ())


def test_closing_stops_the_timer(make_ticket: MakeTicket):
    """A closed ticket has no snooze and no timer (L2, L3)."""
    ticket = snoozed(make_ticket(), until=NOON + timedelta(hours=1), actor=ANN, now=NOON)
    after = closed(ticket, actor=ANN, now=NOON)

    assert (after.status, after.snoozed_until, after.due) == ("closed", None, ())
