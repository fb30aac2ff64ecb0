"""Who was given tickets, and what came back (A7, R1)."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.directories import ScheduleDirectory
from reporting.handovers import HANDOVERS, handover

MONDAY = datetime(2026, 11, 16, 9, tzinfo=UTC)
WEEK = {"from": "2026-11-16", "to": "2026-11-22"}
COUNTS = ("assigned_automatically", "assigned_by_hand", "not_answered", "agent_left")


def after(**passed: float) -> datetime:
    """So much later than Monday at nine."""
    return MONDAY + timedelta(**passed)


def _stories(story: Any) -> list[Any]:
    returned = story(id="tic_1").created(MONDAY).assigned(after(hours=1), "ann", "tea_1", decision="dec_1")
    returned.unassigned(after(hours=2), "not_answered").assigned(after(hours=2), "bob", "tea_1", decision="dec_2")
    by_hand = story(id="tic_2", channel="sms").created(MONDAY).assigned(after(days=1), "ann")
    by_hand.unassigned(after(days=1, hours=1), "agent").assigned(after(days=1, hours=1), None, "tea_1", decision="d3")
    left = story(id="tic_3").created(MONDAY).assigned(after(days=2), "cas", decision="dec_4")
    return [returned, by_hand, left.unassigned(after(days=3), "agent_left")]


async def test_assignments_are_counted_by_interval_and_by_agent(reporting: Any, story: Any) -> None:
    """Automatic ones by the router's decision; what was not answered counts for whoever lost it (A7)."""
    await reporting.publish_settings("UTC")
    await reporting.tell(*_stories(story))

    report = await reporting.report("assignments", **WEEK)

    assert report["totals"] == dict(zip(COUNTS, (3, 1, 1, 1), strict=True))
    assert [tuple(item[name] for name in COUNTS) for item in report["items"][:4]] == [
        (2, 0, 1, 0),
        (0, 1, 0, 0),
        (1, 0, 0, 0),
        (0, 0, 0, 1),
    ]
    assert [(one["agent_id"], *(one[name] for name in COUNTS)) for one in report["agents"]] == [
        ("ann", 1, 1, 1, 0),
        ("bob", 1, 0, 0, 0),
        ("cas", 1, 0, 0, 1),
    ]


async def test_filters_and_csv_say_the_same(reporting: Any, story: Any) -> None:
    """One agent, one channel, one team; the file has the report's numbers (R3, R4)."""
    await reporting.publish_settings("UTC")
    await reporting.tell(*_stories(story))

    by_agent = await reporting.report("assignments", **WEEK, agent="ann")
    by_channel = await reporting.report("assignments", **WEEK, channel="sms")
    by_team = await reporting.report("assignments", **WEEK, team="tea_1")
    whole = await reporting.report("assignments", **WEEK)
    answers = [
        await reporting.http.get("/v1/reports/assignments.csv", params={**WEEK, "by": by})
        for by in ("interval", "agent")
    ]
    items, agents = (list(csv.DictReader(io.StringIO(answer.text))) for answer in answers)

    assert tuple(by_agent["totals"][name] for name in COUNTS) == (1, 1, 1, 0)
    assert tuple(by_channel["totals"][name] for name in COUNTS) == (0, 1, 0, 0)
    assert tuple(by_team["totals"][name] for name in COUNTS) == (2, 0, 1, 0)
    assert items == [{name: str(value) for name, value in item.items()} for item in whole["items"]]
    assert agents == [{name: str(value) for name, value in one.items()} for one in whole["agents"]]


async def test_the_same_events_again_count_once(reporting: Any, story: Any) -> None:
    """Redelivered and replayed, a handover is one (I4)."""
    await reporting.publish_settings("UTC")
    stories = _stories(story)
    await reporting.tell(*stories)
    before = await reporting.stored(HANDOVERS)
    await reporting.tell(*stories, story(id="tic_9").created(MONDAY))

    assert await reporting.stored(HANDOVERS) == before
    assert len(before) == 6


@pytest.mark.parametrize(("cause", "counts"), [("not_answered", True), ("agent_left", True), ("agent", False)])
def test_only_what_the_desk_takes_back_is_a_return(story: Any, *, cause: str, counts: bool) -> None:
    """A person who unassigns a ticket says nothing about an answer that did not come."""
    told = story().created(MONDAY).assigned(MONDAY, "ann").unassigned(MONDAY, cause).events[-1]

    found = handover(told)

    assert (found.kind if found else None) == (cause if counts else None)


async def test_reports_may_count_by_a_schedule_of_their_own(reporting: Any, story: Any) -> None:
    """Assignment is always open, reports count office hours: a weekend is no business time (H1, R2)."""
    office = {"id": "sch", "name": "Office", "zone": "UTC", "weekly": {"fri": [["09:00", "17:00"]]}}
    hours = ScheduleDirectory.model_validate({"schedules": {"sch": office}})
    await reporting.publish_settings("UTC", reports_schedule_id="sch", schedules=hours)
    friday = datetime(2026, 11, 13, 16, 30, tzinfo=UTC)
    await reporting.tell(story().created(friday).reply(friday + timedelta(days=3)))

    report = await reporting.report("first-response", **WEEK)

    assert report["totals"]["business_mean_seconds"] == timedelta(minutes=30).total_seconds()
    assert report["totals"]["wall_mean_seconds"] == timedelta(days=3).total_seconds()
