import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.campaigns import CampaignMessageSent
from contracts.contacts import Consent, ContactEventRecorded, ContactIdentity, ContactUpdated, SmsConsent
from contracts.envelope import Event
from contracts.topics import CAMPAIGN_MESSAGES, CONTACT_EVENTS
from service_kit.bus import Subscription
from service_kit.problem import Problem
from service_kit.testing.eventually import eventually
from tickets.contacts.events_intake import understand

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
UPDATED = {
    "specversion": "1.0",
    "id": "1",
    "source": "/crm",
    "type": "support.contact.updated.v1",
    "time": "2026-11-21T10:00:00+01:00",
    "data": {
        "contact": {"email": "Cleo@Shop.example", "external_id": "c-1"},
        "segments": ["vip"],
        "consent": {"sms": {"marketing": True}},
        "custom": {"plan": "gold"},
    },
}
RECORDED = {
    "specversion": "1.0",
    "id": "2",
    "source": "/shop",
    "type": "support.contact.event_recorded.v1",
    "data": {
        "contact": {"external_id": "c-1"},
        "metric": "Placed Order",
        "at": "2026-11-20T08:00:00Z",
        "properties": {"total": 12.5},
    },
}
SENT = {
    "specversion": "1.0",
    "id": "3",
    "source": "/campaigns",
    "type": "support.campaign.message_sent.v1",
    "data": {
        "contact": {"phone": "+33612345678"},
        "channel": "sms",
        "campaign_id": "black-friday",
        "sent_at": "2026-11-21T09:00:00Z",
    },
}


def test_each_type_becomes_its_event_of_the_bus() -> None:
    """What outsiders say in CloudEvents is what the services read, in order."""
    updated, recorded, sent = understand([UPDATED, RECORDED, SENT], "acc", NOW)

    assert updated == ContactUpdated(
        id=updated.id,
        account_id="acc",
        time=datetime(2026, 11, 21, 9, tzinfo=UTC),
        contact=ContactIdentity(email="cleo@shop.example", external_id="c-1"),
        segments=("vip",),
        consent=Consent(sms=SmsConsent(marketing=True)),
        custom={"plan": "gold"},
    )
    assert recorded == ContactEventRecorded(
        id=recorded.id,
        account_id="acc",
        time=NOW,
        contact=ContactIdentity(external_id="c-1"),
        metric="Placed Order",
        at=datetime(2026, 11, 20, 8, tzinfo=UTC),
        properties={"total": 12.5},
    )
    assert sent == CampaignMessageSent(
        id=sent.id,
        account_id="acc",
        time=NOW,
        phone="+33612345678",
        campaign_id="black-friday",
        sent_at=datetime(2026, 11, 21, 9, tzinfo=UTC),
    )


def test_the_id_is_that_of_the_outside_event_in_this_account() -> None:
    """Source and id name an event; a repeat is the same, and another account's is another."""
    [first] = understand(UPDATED, "acc", NOW)
    [again] = understand([UPDATED], "acc", NOW + timedelta(hours=1))
    [foreign] = understand(UPDATED, "other", NOW)
    [elsewhere] = understand({**UPDATED, "source": "/erp"}, "acc", NOW)

    assert first == again
    assert len({first.id, foreign.id, elsewhere.id}) == 3


def test_a_clock_that_runs_ahead_does_not_win_over_the_future() -> None:
    """Newest wins per number, so a time that has not come yet counts as now."""
    [event] = understand({**UPDATED, "time": "2099-01-01T00:00:00Z"}, "acc", NOW)

    assert event.time == NOW


FLAWS: list[tuple[Any, str]] = [
    ("no object", ""),
    ({**UPDATED, "type": "support.ticket.created.v1"}, ""),
    ({key: value for key, value in UPDATED.items() if key != "specversion"}, "specversion"),
    ({**UPDATED, "specversion": "0.3"}, "specversion"),
    ({**UPDATED, "id": ""}, "id"),
    ({**UPDATED, "time": "2026-11-21T10:00:00"}, "time"),
    ({**UPDATED, "data": None}, "data"),
    ({**UPDATED, "data": {"contact": {}}}, "data.contact"),
    ({**UPDATED, "data": {"contact": {"email": "nobody"}}}, "data.contact.email"),
    ({**UPDATED, "data": {"contact": {"phone": "0612345678"}}}, "data.contact.phone"),
    ({**UPDATED, "data": {"contact": {"external_id": "x"}, "segments": ["s"] * 1001}}, "data.segments"),
    ({**UPDATED, "data": {"contact": {"external_id": "x"}, "custom": {"k": "v" * 16_400}}}, "data.custom"),
    ({**RECORDED, "data": {**RECORDED["data"], "metric": ""}}, "data.metric"),  # type: ignore[dict-item]
    ({**SENT, "data": {**SENT["data"], "contact": {"email": "a@b.example"}}}, "data.contact.phone"),  # type: ignore[dict-item]
    ({**SENT, "data": {**SENT["data"], "channel": "email"}}, "data.channel"),  # type: ignore[dict-item]
]


@pytest.mark.parametrize(("flawed", "field"), FLAWS, ids=[f"{n}-{field}" for n, (_, field) in enumerate(FLAWS)])
def test_a_flawed_event_is_named_by_index_and_field(flawed: Any, field: str) -> None:
    """Whoever sent a batch learns which of it was wrong and where, without the values being repeated."""
    with pytest.raises(Problem) as refused:
        understand([SENT, flawed, RECORDED], "acc", NOW)
    errors = refused.value.extra["errors"]

    assert (refused.value.status, refused.value.code) == (422, "invalid_events")
    assert {error["index"] for error in errors} == {1}
    assert field in {_without_tag(error["field"]) for error in errors}
    assert all(set(error) == {"index", "field", "message"} for error in errors)


def _without_tag(field: str) -> str:
    """The field without the name of the union's branch, which holds dots itself."""
    for event in (UPDATED, RECORDED, SENT):
        field = field.removeprefix(f"{event['type']}.")
    return field


@pytest.mark.parametrize("count", [0, 1001])
def test_a_batch_has_limits(count: int) -> None:
    """A batch holds one to a thousand events."""
    with pytest.raises(Problem) as refused:
        understand([SENT] * count, "acc", NOW)

    assert refused.value.code == "invalid_events"
    assert len(understand([SENT] * 1000, "acc", NOW)) == 1000


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        ("application/cloudevents+json; charset=utf-8", SENT),
        ("application/cloudevents-batch+json", [SENT, UPDATED]),
        ("application/json", SENT),
        ("application/json", [SENT, UPDATED]),
    ],
)
async def test_events_are_taken_in_every_json_form(people: Any, media_type: str, body: Any) -> None:
    """One or a batch, under the media types of CloudEvents or plain JSON."""
    answer = await post(people, body, media_type)

    assert answer.status_code == 202
    assert answer.json()["accepted"] == len(answer.json()["ids"]) == (len(body) if isinstance(body, list) else 1)


async def test_other_media_types_are_refused(people: Any) -> None:
    """What is not JSON is not guessed at."""
    answers = [await post(people, SENT, media_type) for media_type in ("text/plain", "application/xml")]
    broken = await people.http.post("/v1/events", content=b"{", headers={"Content-Type": "application/json"})

    assert [answer.status_code for answer in answers] == [415, 415]
    assert broken.status_code == 422


async def test_nothing_of_a_refused_batch_is_taken(people: Any) -> None:
    """All or nothing, so that the sender may simply repair and send again."""
    answer = await post(people, [SENT, {**UPDATED, "data": {}}], "application/json")

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_events")
    assert [error["index"] for error in answer.json()["errors"]] == [1]


async def test_accepted_events_are_on_the_bus(people: Any, make_platform: Any) -> None:
    """The answer comes after the bus has stored them, each on its own topic (I3)."""
    answer = await post(people, [UPDATED, SENT], "application/json")
    taken: list[Event] = []

    async def take(events: Any) -> None:
        taken.extend(events)

    reader = make_platform("ingest-sms")
    for topic in (CONTACT_EVENTS, CAMPAIGN_MESSAGES):
        reader.bus.subscribe(Subscription(topic, group=topic.consumers[0], handle=take))
    await reader.bus.start()
    try:
        await eventually(lambda: len(taken) == 2)
    finally:
        await reader.bus.stop()

    assert {event.id for event in taken} == set(answer.json()["ids"])
    assert {event.account_id for event in taken} == {people.account.account_id}


async def test_a_bus_that_is_down_accepts_nothing(people: Any) -> None:
    """The sender is told to come back instead of being told a lie (I3)."""
    await people.platform.bus.stop()
    answer = await post(people, SENT, "application/json")

    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


async def post(people: Any, body: Any, media_type: str) -> Any:
    """A request with exactly this media type."""
    return await people.http.post("/v1/events", content=json.dumps(body), headers={"Content-Type": media_type})
