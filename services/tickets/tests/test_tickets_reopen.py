from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts.people import Actor
from contracts.settings import TicketSettings
from tickets.life.life import closed, reopened, snoozed, timer_rang
from tickets.life.reopen import (
    PRESETS,
    Append,
    Continue,
    Reopen,
    ReopenPolicy,
    Wake,
    may_reopen_by_new_thread,
    new_thread_reopens,
    on_message,
    owner_stays,
    policy_for,
)
from tickets.ticket.model import Ticket

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

    assert on_message(ticket, automatic=False, policy=PRESETS[preset][ticket.channel], now=NOON) == effect


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("channel", ["email", "sms", "web_chat"])
@pytest.mark.parametrize("status", ["open", "snoozed", "closed"])
def test_machines_change_nothing(make_ticket: MakeTicket, preset: Any, channel: str, status: str):
    """Automatic mail is appended whatever the state: it never wakes, reopens or continues (X7, L3)."""
    ticket = make_ticket(channel=channel, status=status, closed_at=NOON)

    assert on_message(ticket, automatic=True, policy=PRESETS[preset][ticket.channel], now=NOON) == Append("automatic")


@pytest.mark.parametrize(("status", "effect"), [("open", Append("open_ticket")), ("snoozed", Wake("customer_reply"))])
def test_tickets_that_are_not_closed(make_ticket: MakeTicket, status: str, effect: Any):
    """A message joins an open ticket and wakes a snoozed one (L2)."""
    assert on_message(make_ticket(status=status), automatic=False, policy=ReopenPolicy(), now=NOON) == effect


@given(minutes=st.lists(st.integers(0, 180), max_size=12))
def test_brake(make_ticket: MakeTicket, minutes: list[int]):
    """A ticket is reopened at most five times within any hour; beyond that it stays closed (L3)."""
    at = tuple(NOON - timedelta(minutes=minute) for minute in minutes)
    ticket = make_ticket(status="closed", closed_at=NOON, reopened_at=at)
    effect = on_message(ticket, automatic=False, policy=ReopenPolicy(), now=NOON)

    within = sum(minute < 60 for minute in minutes)
    assert effect == (Append("reopen_brake") if within >= 5 else Reopen("reopened"))


def test_new_threads(make_ticket: MakeTicket):
    """Only `status_page` lets a new thread reopen the last ticket, and only in its window (X5)."""
    fresh = make_ticket(status="closed", closed_at=NOON - timedelta(days=1))
    old = make_ticket(status="closed", closed_at=NOON - timedelta(days=9))
    answers = {
        preset: new_thread_reopens(fresh, policy=policies["email"], now=NOON) for preset, policies in PRESETS.items()
    }

    assert answers == {"guide": False, "status_page": True, "zendesk": False}
    assert not new_thread_reopens(old, policy=PRESETS["status_page"]["email"], now=NOON)


def test_reopening_by_hand():
    """Agents may reopen mail and SMS, never chat, and nothing with `status_page` (L3)."""
    allowed = {
        (channel, preset)
        for preset, policies in PRESETS.items()
        for channel, policy in policies.items()
        if policy.by_hand
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


def _settings(**given: Any) -> TicketSettings:
    return TicketSettings.model_validate(given)


def test_a_team_wins_over_its_account():
    """What a team says wins over the account, and what neither says is the preset's (L3)."""
    settings = _settings(
        reopen={"email": {"within_hours": 48, "by_hand": False}},
        reopen_teams={"tea_1": {"email": {"within_hours": 1}}, "tea_2": {"email": {"within_hours": "unlimited"}}},
    )
    found = [policy_for(settings, "email", team_id) for team_id in (None, "tea_1", "tea_2", "tea_9")]

    assert [(one.within, one.by_hand) for one in found] == [
        (timedelta(hours=48), False),
        (timedelta(hours=1), False),
        (None, False),
        (timedelta(hours=48), False),
    ]
    assert policy_for(settings, "sms", "tea_1") == PRESETS["guide"]["sms"]


def test_a_preset_of_a_team_stands_alone():
    """A team that names a preset has that one, and nothing of what the account has said otherwise (L3)."""
    settings = _settings(
        reopen_preset="guide",
        reopen={"sms": {"action": "new"}},
        reopen_teams={"tea_1": {"preset": "zendesk", "sms": {"max_per_hour": 1}}},
    )
    team = policy_for(settings, "sms", "tea_1")

    assert not policy_for(settings, "sms", None).reopens
    assert (team.reopens, team.within, team.max_per_hour) == (True, timedelta(days=28), 1)


@pytest.mark.parametrize(
    ("rule", "status", "effect"),
    [
        ({"action": "new"}, "closed", Continue("closed_for_good")),
        ({"within_hours": 23}, "closed", Continue("reopen_window_over")),
        ({"within_hours": 24}, "closed", Reopen("reopened")),
        ({"max_per_hour": 0}, "closed", Append("reopen_brake")),
        ({"on_snoozed": "keep"}, "snoozed", Append("stays_snoozed")),
        ({"on_snoozed": "wake"}, "snoozed", Wake("customer_reply")),
    ],
)
def test_each_rule(make_ticket: MakeTicket, rule: Any, status: str, effect: Any):
    """Every choice of the table changes what a message does (L2, L3)."""
    policy = policy_for(_settings(reopen={"sms": rule}), "sms", None)
    ticket = make_ticket(channel="sms", status=status, closed_at=NOON - timedelta(days=1))

    assert on_message(ticket, automatic=False, policy=policy, now=NOON) == effect


@pytest.mark.parametrize("rule", [{"action": "reopen"}, {"by_hand": True}, {"within_hours": 5}])
def test_chats_are_never_reopened(rule: Any):
    """No setting can have a closed chat reopened (W2)."""
    for rules in ({"reopen": {"web_chat": rule}}, {"reopen_teams": {"tea_1": {"web_chat": rule}}}):
        with pytest.raises(ValidationError):
            _settings(**rules)


def test_new_threads_by_setting():
    """New threads may be let reopen, or not, whatever the preset; the last closed tickets are read only then (X5)."""
    guide, page = {"reopen_preset": "guide"}, {"reopen_preset": "status_page"}
    never = {"email": {"new_thread_within_hours": "never"}}
    day = {"email": {"new_thread_within_hours": 24}}
    asked = [guide, page, {**page, "reopen": never}, {**guide, "reopen": day}, {**guide, "reopen_teams": {"t": day}}]

    assert [may_reopen_by_new_thread(_settings(**one)) for one in asked] == [False, True, False, True, True]


@pytest.mark.parametrize(
    ("owner", "available", "stays"),
    [
        ("keep", False, True),
        ("queue", True, False),
        ("keep_if_available", True, True),
        ("keep_if_available", False, False),
    ],
)
def test_owner_on_reopen(owner: Any, available: bool, stays: bool):  # noqa: FBT001 - columns of the table
    """Whether the assignee keeps a ticket that a customer reopened (L3)."""
    policy = policy_for(_settings(reopen={"email": {"owner": owner}}), "email", None)

    assert owner_stays(policy, is_available=available) is stays
