"""What "later today", "tomorrow" and "next week" mean where the company is (L2)."""

from datetime import UTC, datetime, timedelta
from typing import Any, get_args
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.settings import AccountSettings
from contracts.tickets import TicketUnsnoozed
from tickets.life.snooze_presets import SnoozePreset, snoozed_until

PRESETS: tuple[SnoozePreset, ...] = get_args(SnoozePreset)
ZONES = [ZoneInfo(name) for name in sorted(available_timezones() - {"localtime"})]


@pytest.mark.parametrize(
    ("zone", "now", "preset", "expected"),
    [
        ("Europe/Paris", "2026-11-21T12:00", "later_today", "2026-11-21T15:00"),
        ("Europe/Paris", "2026-11-21T12:00:01", "later_today", "2026-11-21T16:00"),
        ("Europe/Paris", "2026-11-21T20:10", "later_today", "2026-11-22T09:00"),
        ("Europe/Paris", "2026-11-21T12:00", "tomorrow", "2026-11-22T09:00"),
        ("Europe/Paris", "2026-11-21T00:30", "tomorrow", "2026-11-22T09:00"),
        ("Europe/Paris", "2026-11-21T12:00", "next_week", "2026-11-23T09:00"),
        ("Europe/Paris", "2026-11-23T08:00", "next_week", "2026-11-30T09:00"),
        ("Asia/Kolkata", "2026-11-21T12:20", "later_today", "2026-11-21T16:00"),
        ("Pacific/Auckland", "2026-11-20T23:30", "tomorrow", "2026-11-21T09:00"),
        ("America/New_York", "2026-10-31T12:00", "tomorrow", "2026-11-01T09:00"),
        ("Europe/Paris", "2026-03-28T12:00", "tomorrow", "2026-03-29T09:00"),
    ],
)
def test_presets(zone: str, now: str, preset: Any, expected: str):
    """Presets are by the company's clock, also where it is set forward or back in between."""
    local = ZoneInfo(zone)
    until = snoozed_until(preset, now=datetime.fromisoformat(now).replace(tzinfo=local), zone=local)

    assert until.astimezone(local).replace(tzinfo=None) == datetime.fromisoformat(expected)
    assert until.tzinfo is UTC


@given(
    seconds=st.integers(0, 8 * 365 * 86_400),
    zone=st.sampled_from(ZONES),
    preset=st.sampled_from(PRESETS),
)
def test_a_snooze_always_ends_later(seconds: int, zone: ZoneInfo, preset: SnoozePreset):
    """At any second, in any zone, a preset is in the future, and by no more than what its name says."""
    now = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    until = snoozed_until(preset, now=now, zone=zone)

    assert now < until <= now + timedelta(days=8)
    assert preset == "next_week" or until <= now + timedelta(hours=36)


async def test_a_preset_by_the_api(bench: Any):
    """The API takes a preset as well as a moment, in the account's zone; the wake says what caused it (L2)."""
    await bench.set("account", AccountSettings(name="Acme", zone="America/New_York"))
    [entry] = await bench.receive(bench.inbox.mail())
    path = f"/v1/tickets/{entry.ticket_id}"
    snoozed = await bench.do("POST", f"{path}/snooze", {"preset": "tomorrow"})
    bench.clock.advance(timedelta(days=2))
    [woken] = await bench.hear(TicketUnsnoozed)
    await bench.do("POST", f"{path}/snooze", {"preset": "next_week"})
    await bench.do("POST", f"{path}/reopen")
    by_hand = (await bench.hear(TicketUnsnoozed, count=2))[1]

    assert snoozed.json()["snoozed_until"] == "2026-11-22T14:00:00Z"
    assert [woken.cause, by_hand.cause] == ["timer", "agent"]


async def test_refused_snoozes(bench: Any):
    """Neither, both, or no such preset is refused."""
    [entry] = await bench.receive(bench.inbox.mail())
    both = {"preset": "tomorrow", "until": "2026-12-01T00:00:00Z"}
    flawed = [{}, {"preset": "whenever"}, both, {"until": None}]
    answers = [await bench.do("POST", f"/v1/tickets/{entry.ticket_id}/snooze", body) for body in flawed]

    assert [(one.status_code, one.json()["code"]) for one in answers] == [(422, "invalid_request")] * len(flawed)
