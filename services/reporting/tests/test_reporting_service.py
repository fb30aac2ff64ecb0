import asyncio
import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.directories import ScheduleDirectory
from contracts.presence import AgentAvailabilityChanged
from contracts.tickets import (
    TicketAssigned,
    TicketClosed,
    TicketCreated,
    TicketEvent,
    TicketMessageAdded,
    TicketReopened,
    TicketTagsChanged,
)
from reporting import cycles, traffic
from reporting.archive import ARCHIVE
from reporting.cycles import CYCLES
from reporting.hours_history import SETTINGS_VERSIONS, periods
from reporting.store import ReportingStore
from reporting.traffic import TRAFFIC
from reporting.workflow import Intake
from service_kit.auth import Principal
from service_kit.auth.credentials import Credentials, hash_token
from service_kit.testing.eventually import eventually

MONDAY = datetime(2026, 11, 16, 9, tzinfo=UTC)
WEEK = {"from": "2026-11-16", "to": "2026-11-22"}
EVENT_TYPES = {
    event.model_fields["type"].default: event
    for event in (
        TicketAssigned,
        TicketClosed,
        TicketCreated,
        TicketMessageAdded,
        TicketReopened,
        TicketTagsChanged,
    )
}
OFFICE_HOURS = ScheduleDirectory.model_validate(
    {
        "schedules": {
            "sch": {
                "id": "sch",
                "name": "Office",
                "zone": "Europe/Paris",
                "weekly": {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")},
            }
        }
    }
)


def after(**passed: float) -> datetime:
    """So much later than Monday at nine."""
    return MONDAY + timedelta(**passed)


async def test_volume_counts_what_happened_in_each_interval(reporting: Any, story: Any) -> None:
    """Created, closed and reopened tickets, and messages in both directions, on their own day (R1)."""
    await reporting.publish_settings()
    ticket = story().created(MONDAY).reply(after(hours=1)).closed(after(days=1))
    ticket.reopened(after(days=2)).inbound(after(days=2, hours=1))
    await reporting.tell(ticket)
    report = await reporting.report("volume", **WEEK)
    by_day = [tuple(item[name] for name in report["totals"]) for item in report["items"]]

    assert report["range"] == {
        "from": "2026-11-16T00:00:00+01:00",
        "to": "2026-11-23T00:00:00+01:00",
        "zone": "Europe/Paris",
        "interval": "day",
    }
    assert by_day == [(1, 0, 0, 1, 1), (0, 0, 1, 0, 0), (0, 1, 0, 2, 0), *[(0, 0, 0, 0, 0)] * 4]
    assert report["totals"] == {
        "tickets_created": 1,
        "tickets_reopened": 1,
        "tickets_closed": 1,
        "messages_in": 3,
        "messages_out": 1,
    }


async def test_the_zone_of_the_account_decides_the_day(reporting: Any, story: Any) -> None:
    """Half past eleven in the evening of UTC is tomorrow in Paris, and today on request (R2)."""
    await reporting.publish_settings("Europe/Paris")
    await reporting.tell(story().created(datetime(2026, 11, 16, 23, 30, tzinfo=UTC)))
    range_ = {"from": "2026-11-16", "to": "2026-11-17"}
    in_paris = await reporting.report("volume", **range_)
    in_utc = await reporting.report("volume", **range_, zone="UTC")

    assert [item["tickets_created"] for item in in_paris["items"]] == [0, 1]
    assert [item["messages_in"] for item in in_paris["items"]] == [0, 1]
    assert [item["tickets_created"] for item in in_utc["items"]] == [1, 0]
    assert [item["messages_in"] for item in in_utc["items"]] == [1, 0]


async def test_first_response_in_wall_and_business_time(reporting: Any, story: Any) -> None:
    """A mail of Friday evening answered on Monday waited a weekend, and an hour of business (R2)."""
    await reporting.publish_settings(schedule_id="sch", schedules=OFFICE_HOURS)
    friday, monday = datetime(2026, 11, 13, 15, 30, tzinfo=UTC), datetime(2026, 11, 16, 8, 30, tzinfo=UTC)
    await reporting.tell(story().created(friday).reply(monday))
    report = await reporting.report("first-response", **WEEK)

    assert report["totals"]["count"] == 1
    assert report["totals"]["wall_mean_seconds"] == timedelta(days=2, hours=17).total_seconds()
    assert report["totals"]["business_mean_seconds"] == timedelta(hours=1).total_seconds()
    assert report["items"][0]["business_p95_seconds"] == timedelta(hours=1).total_seconds()
    assert [item["count"] for item in report["items"]] == [1, 0, 0, 0, 0, 0, 0]
    assert report["items"][1]["wall_median_seconds"] is None


async def test_figures_of_several_responses(reporting: Any, story: Any) -> None:
    """Totals are those of all responses together, not of the intervals."""
    await reporting.publish_settings()
    waits = (1, 2, 3, 4, 10)
    stories = [
        story(id=f"tic_{wait}").created(after(days=wait % 2)).reply(after(days=wait % 2, minutes=wait))
        for wait in waits
    ]
    await reporting.tell(*stories)
    totals = (await reporting.report("first-response", **WEEK))["totals"]

    assert (totals["count"], totals["wall_mean_seconds"], totals["wall_median_seconds"]) == (5, 240, 180)
    assert (totals["wall_p90_seconds"], totals["wall_p95_seconds"]) == (456, 528)


FILTERS = [
    ({"channel": "sms"}, {"volume": 1, "first-response": 1}),
    ({"channel": "email"}, {"volume": 1, "first-response": 1}),
    ({"team": "vip"}, {"volume": 1, "first-response": 1}),
    ({"tag": "refund"}, {"volume": 1, "first-response": 1}),
    ({"agent": "ann"}, {"volume": 1, "first-response": 2}),
    ({"agent": "bob"}, {"volume": 1, "first-response": 0}),
    ({"agent": "nobody"}, {"volume": 0, "first-response": 0}),
    ({"channel": "sms", "team": "vip"}, {"volume": 0, "first-response": 0}),
]


@pytest.mark.parametrize(("asked", "expected"), FILTERS, ids=[str(asked) for asked, _ in FILTERS])
async def test_filters_take_what_they_name(
    reporting: Any, story: Any, asked: dict[str, str], expected: dict[str, int]
) -> None:
    """In volume `agent` is the assignee, in first response it is who answered (R1)."""
    await reporting.publish_settings()
    mail = (
        story(id="tic_mail").created(MONDAY).assigned(after(minutes=1), "ann", "vip").tagged(after(minutes=2), "refund")
    )
    sms = story(id="tic_sms", channel="sms").created(MONDAY).assigned(after(minutes=1), "bob")
    await reporting.tell(mail.reply(after(minutes=3), "ann"), sms.reply(after(minutes=3), "ann"))
    volume = (await reporting.report("volume", **WEEK, **asked))["totals"]
    responses = (await reporting.report("first-response", **WEEK, **asked))["totals"]

    assert (volume["tickets_created"], responses["count"]) == (expected["volume"], expected["first-response"])
    assert (volume["messages_in"], volume["messages_out"]) == (expected["volume"], expected["volume"])


@pytest.mark.parametrize("name", ["volume", "first-response"])
async def test_csv_and_json_say_the_same(reporting: Any, story: Any, name: str) -> None:
    """Both are made from the same rows, with the same filters (R3, R4)."""
    await reporting.publish_settings()
    await reporting.tell(story().created(MONDAY).reply(after(minutes=5)).closed(after(days=1)))
    asked = {**WEEK, "interval": "hour", "channel": "email"}
    items = (await reporting.report(name, **asked))["items"]
    answer = await reporting.http.get(f"/v1/reports/{name}.csv", params=asked)
    lines = list(csv.DictReader(io.StringIO(answer.text, newline="")))

    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}.csv"'
    assert lines == [{key: "" if value is None else str(value) for key, value in item.items()} for item in items]
    assert len(lines) == 7 * 24


async def test_facts_equal_a_recomputation_from_the_archive(reporting: Any, story: Any) -> None:
    """What reports are made of follows from the archive alone (R3)."""
    await reporting.publish_settings(schedule_id="sch", schedules=OFFICE_HOURS)
    first = story(id="tic_1").created(MONDAY).assigned(after(minutes=1), "ann").reply(after(minutes=9))
    first.closed(after(days=1)).reopened(after(days=2)).reply(after(days=2, hours=20)).note(after(days=3))
    second = story(id="tic_2", channel="web_chat").created(after(hours=8)).reply(after(days=1)).automatic(after(days=1))
    await reporting.tell(first, second)
    events = sorted(map(_event, await reporting.stored(ARCHIVE)), key=lambda event: (event.ticket_id, event.seq))
    kept = periods(await reporting.stored(SETTINGS_VERSIONS))
    facts = await reporting.stored(CYCLES)
    exchanged = await reporting.stored(TRAFFIC)

    assert [event.id for event in events] == [event.id for event in first.events + second.events]
    assert {one.id: one for one in facts} == {
        name: cycles.counted(None, of_cycle, lambda _: kept) for name, of_cycle in _groups(events, cycles.cycle_id)
    }
    said = [event for event in events if traffic.is_traffic(event)]
    assert {one.id: one for one in exchanged} == {
        name: traffic.counted(None, of_day) for name, of_day in _groups(said, traffic.traffic_id)
    }


async def test_duplicates_and_replays_change_nothing(reporting: Any, story: Any) -> None:
    """At-least-once delivery leaves archive, facts and reports as they were (R3)."""
    await reporting.publish_settings()
    ticket = story().created(MONDAY).reply(after(minutes=5)).closed(after(days=1)).reopened(after(days=2))
    await reporting.tell(ticket)
    before = [await reporting.stored(spec) for spec in (ARCHIVE, CYCLES, TRAFFIC)]
    intake = Intake(ReportingStore(reporting.platform.store))
    for redelivered in (ticket.events, ticket.events[2:], ticket.events[:3]):
        await intake.count(redelivered)

    assert [await reporting.stored(spec) for spec in (ARCHIVE, CYCLES, TRAFFIC)] == before


async def test_replicas_that_count_at_once_lose_nothing(reporting: Any, story: Any) -> None:
    """Whoever writes second reads again and counts what is missing."""
    await reporting.publish_settings()
    await eventually(lambda: reporting.stored(SETTINGS_VERSIONS))
    ticket = story().created(MONDAY)
    for minute in range(40):
        ticket.inbound(after(minutes=minute))
    replicas = [Intake(ReportingStore(reporting.platform.store)) for _ in range(4)]
    await asyncio.gather(*(replica.count(ticket.events) for replica in replicas))
    totals = (await reporting.report("volume", **WEEK))["totals"]

    assert (totals["tickets_created"], totals["messages_in"]) == (1, 41)


async def test_other_events_are_archived(reporting: Any, story: Any) -> None:
    """What no report counts yet is kept for those to come."""
    await reporting.publish_settings()
    event = AgentAvailabilityChanged(
        id="evt_1", account_id="acc", time=MONDAY, agent_id="ann", online=True, cause="agent"
    )
    await reporting.publisher.bus.publish([event])
    await eventually(lambda: reporting.stored(ARCHIVE))

    assert [kept.body["agent_id"] for kept in await reporting.stored(ARCHIVE)] == ["ann"]


async def test_nothing_crosses_accounts(reporting: Any, story: Any) -> None:
    """Another account's tickets are in none of our reports."""
    await reporting.publish_settings()
    await reporting.tell(story(account_id="other").created(MONDAY))

    assert (await reporting.report("volume", **WEEK))["totals"]["tickets_created"] == 0


@pytest.mark.parametrize("name", ["volume", "volume.csv", "first-response", "first-response.csv"])
async def test_reports_need_the_permission(reporting: Any, name: str) -> None:
    """Every role may read reports, a key only with the scope, and nobody without a credential (S1)."""
    await reporting.publish_settings()
    credentials = Credentials(reporting.platform.redis, reporting.clock)
    for token, scopes in (("may", "reports:read"), ("may not", "tickets:read")):
        principal = Principal("acc", "service", None, "owner", frozenset({scopes}), token)
        await credentials.put(hash_token(token), principal, expires_at=None)
    path = f"/v1/reports/{name}"
    answers = [
        await reporting.http.get(path, headers={"Authorization": f"Bearer {token}"})
        for token in ("may", "may not", "unknown")
    ]

    assert [answer.status_code for answer in answers] == [200, 403, 401]


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"from": "2026-11-22", "to": "2026-11-16"}, "invalid_range"),
        ({"from": "last week"}, "invalid_range"),
        ({"from": "2026-01-01", "interval": "hour"}, "invalid_range"),
        ({"zone": "Mars/Olympus"}, "invalid_request"),
        ({"interval": "minute"}, "invalid_request"),
        ({"channel": "fax"}, "invalid_request"),
        ({"tag": "x" * 101}, "invalid_request"),
    ],
)
async def test_what_cannot_be_reported_is_refused(reporting: Any, asked: dict[str, str], code: str) -> None:
    """Clearly, and without touching the facts (S4)."""
    await reporting.publish_settings()
    answer = await reporting.http.get("/v1/reports/volume", params=asked)

    assert (answer.status_code, answer.json()["code"]) == (422, code)


def _event(kept: Any) -> TicketEvent:
    event = EVENT_TYPES[kept.type].model_validate(kept.body)
    assert isinstance(event, TicketEvent)
    return event


def _groups(events: list[TicketEvent], name: Any) -> list[tuple[str, list[TicketEvent]]]:
    return [
        (one, [event for event in events if name(event) == one])
        for one in dict.fromkeys(name(event) for event in events)
    ]
