"""The switch that agents set for themselves (A3), as pure rules."""

from datetime import UTC, datetime, timedelta

import pytest

from contracts.presence import AgentAvailabilityChanged
from contracts.routing import RoutingRequested
from router.availability.availability import (
    LOST_AFTER,
    Availability,
    DeclaredBy,
    Observed,
    logged_out,
    lost,
    never_set,
    observed,
    switched,
)

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
NEVER = never_set("acc", "ann", NOW)


def _online(declared_by: DeclaredBy = "session", since: datetime = NOW) -> Availability:
    return switched(NEVER, online=True, declared_by=declared_by, cause="agent", now=since).model_copy(
        update={"outbox": (), "outbox_since": None}
    )


def test_a_change_is_told_to_everybody_and_wakes_the_queue() -> None:
    """Going online carries a public event and a routing request, both with ids of this one change (A5)."""
    after = switched(NEVER, online=True, declared_by="session", cause="agent", now=NOW)

    told, wake = (entry.event() for entry in after.outbox)
    assert (after.online, after.since) == (True, NOW)
    assert isinstance(told, AgentAvailabilityChanged)
    assert (told.agent_id, told.online, told.cause) == ("ann", True, "agent")
    assert isinstance(wake, RoutingRequested)
    assert (wake.agent_id, wake.reason) == ("ann", "support.agent.availability_changed.v1")


def test_each_change_has_ids_of_its_own() -> None:
    """Online, offline, online again: three facts, not one."""
    first = switched(NEVER, online=True, declared_by="session", cause="agent", now=NOW)
    second = switched(first, online=False, declared_by="session", cause="agent", now=NOW)
    third = switched(second, online=True, declared_by="session", cause="agent", now=NOW)

    ids = [entry.event_id for entry in third.outbox]
    assert len(ids) == len(set(ids)) == 6


def test_setting_the_same_again_says_nothing() -> None:
    """No event without a change; only who declared it is remembered anew."""
    after = switched(_online(), online=True, declared_by="api_key", cause="agent", now=NOW + MINUTE)

    assert after == _online("api_key")


@pytest.mark.parametrize(
    ("before", "at", "online"),
    [
        (_online(), NOW, False),
        (_online("api_key"), NOW, True),
        (_online(since=NOW + MINUTE), NOW, True),
        (NEVER, NOW, False),
    ],
    ids=["ends", "an-api-key-holds", "came-back-since", "was-offline"],
)
def test_logging_out_ends_what_a_session_declared(before: Availability, at: datetime, online: bool) -> None:  # noqa: FBT001 - a table's column
    """Logging out makes offline, unless an API key holds it or the agent came back since (A3)."""
    after = logged_out(before, at, NOW + 2 * MINUTE)

    assert after.online is online


@pytest.mark.parametrize(
    ("before", "last_seen", "online"),
    [
        (_online(), NOW + MINUTE + timedelta(seconds=1), True),
        (_online(), NOW + MINUTE, False),
        (_online(), None, False),
        (_online(since=NOW + 2 * MINUTE), None, True),
        (_online("api_key"), None, True),
    ],
    ids=["seen-lately", "two-minutes-ago", "nobody-remembers", "just-switched", "an-api-key-holds"],
)
def test_two_minutes_without_a_request_lose_the_session(
    before: Availability,
    last_seen: datetime | None,
    online: bool,  # noqa: FBT001 - a table's column
) -> None:
    """A lost session makes offline after two minutes, counted from the last sign of life (A3)."""
    after = lost(before, last_seen, NOW + 3 * MINUTE)

    assert after.online is online
    assert [entry.body["cause"] for entry in after.outbox[:1]] == ([] if online else ["lost_session"])


def test_what_an_agent_said_stays_when_the_session_is_lost() -> None:
    """Offline by the desk, online by their own word: an admin sees both, and since when (A3)."""
    after = lost(_online(), None, NOW + LOST_AFTER)
    said = switched(after, online=False, declared_by="session", cause="agent", now=NOW + 2 * LOST_AFTER)

    assert (after.online, after.cause, after.since) == (False, "lost_session", NOW + LOST_AFTER)
    assert (after.declared_online, after.declared_at) == (True, NOW)
    assert (said.declared_online, said.declared_at) == (False, NOW + 2 * LOST_AFTER)
    assert said.outbox == after.outbox


@pytest.mark.parametrize(
    ("ago", "expected"),
    [
        (timedelta(0), "here"),
        (timedelta(seconds=-90), "here"),
        (timedelta(seconds=30), "away"),
        (timedelta(seconds=119), "away"),
        (timedelta(seconds=120), "gone"),
        (None, "gone"),
    ],
    ids=["now", "by-a-clock-ahead", "just-left", "almost-lost", "lost", "nobody-remembers"],
)
def test_a_short_disconnect_is_away_and_not_gone(ago: timedelta | None, expected: Observed) -> None:
    """Gone is exactly when a session counts as lost."""

    assert observed(None if ago is None else NOW - ago, NOW) == expected
