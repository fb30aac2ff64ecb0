"""What grows beyond an event is refused at the door, or told in part; nothing holds up what is said after it (I8)."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from contracts.contacts import ContactChanged, ContactIdentity, ContactUpdated
from contracts.outbound import OutboundMessageRequested
from service_kit.testing.eventually import eventually
from tickets.contacts.contact_event import MAX_EVENT_BYTES, changed_event
from tickets.contacts.contact_model import Contact, SaidAny
from tickets.contacts.contact_parts import MAX_IDENTITIES, has_room
from tickets.contacts.reported_events import ContactUpdatedReport
from tickets.people.agents import AGENTS_PER_ACCOUNT, Agent, fits

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
JANE = Contact(id="con_1", account_id="acc_1", created_at=NOON, updated_at=NOON)
ANN = Agent(
    id="agt_1",
    account_id="acc_1",
    name="Ann",
    email="ann@acme.example",
    role="support",
    login="ann@acme.example",
    password_hash="",
    created_at=NOON,
    updated_at=NOON,
)


@pytest.mark.parametrize(
    "body",
    [{"html": "😀" * 300_000}, {"text": "\x01" * 90_000, "html": "\x02" * 90_000}],
    ids=["emoji", "control characters"],
)
async def test_a_reply_that_no_bus_takes_is_refused_and_holds_nothing_up(bench: Any, body: dict[str, str]) -> None:
    """Within the limits of characters and over that of bytes: a clear refusal, and the next reply leaves (X8)."""
    [entry] = await bench.receive(bench.inbox.mail())
    path = f"/v1/tickets/{entry.ticket_id}/messages"
    refused = await bench.do("POST", path, {"text": "Hello", **body})
    await bench.do("POST", path, {"text": "In short: yes."})
    [request] = await bench.hear(OutboundMessageRequested)

    assert (refused.status_code, refused.json()["code"]) == (422, "text_too_long")
    assert request.text == "In short: yes."
    assert [kind for kind, _ in await bench.thread(entry.ticket_id)] == ["inbound", "outbound"]


def test_a_contact_too_large_for_an_event_is_told_in_part() -> None:
    """Custom fields, each within its limit, add up: they are left out of the event, which says so, and nothing else."""
    plan = {"plan": SaidAny(value="gold", at=NOON)}
    many = {f"field_{number}": SaidAny(value="x" * 16_000, at=NOON) for number in range(100)}
    small = changed_event(JANE.model_copy(update={"custom": plan, "segments": ("vip",)}), NOON)
    large = changed_event(JANE.model_copy(update={"custom": {**plan, **many}, "segments": ("vip",)}), NOON)

    assert (small.custom, small.left_out) == ({"plan": "gold"}, ())
    assert (large.custom, large.segments, large.left_out) == ({}, ("vip",), ("custom",))


def test_of_segments_too_many_the_first_are_told() -> None:
    """Contacts that became one may be in more segments than an event names: as many as fit are told."""
    segments = tuple(f"{number:05}{'s' * 195}" for number in range(10_000))
    told = changed_event(JANE.model_copy(update={"segments": segments}), NOON)

    assert told.left_out == ("segments",)
    assert told.segments == segments[: len(told.segments)]
    assert MAX_EVENT_BYTES - 1_000 < len(told.payload()) <= MAX_EVENT_BYTES + 100


def test_segments_are_bounded_together() -> None:
    """A report whose segments would fill an event by themselves is refused as a whole; long lists of words are not."""

    def report(segment: str) -> ContactUpdatedReport:
        data = {"contact": {"email": "j@customer.example"}, "segments": [segment] * 1_000}
        given = {"specversion": "1.0", "id": "1", "source": "crm", "type": "support.contact.updated.v1", "data": data}
        return ContactUpdatedReport.model_validate(given)

    assert len(report("s" * 200).data.segments or ()) == 1_000
    with pytest.raises(ValidationError, match="262144 bytes"):
        report("😀" * 200)


@pytest.mark.parametrize(
    "known",
    [{"external_ids": tuple(map(str, range(MAX_IDENTITIES)))}, {"external_ids": ("\x01" * 200,) * 21}],
    ids=["many", "long"],
)
def test_a_contact_is_known_by_so_many_names(known: dict[str, tuple[str, ...]]) -> None:
    """Names are limited in number and in bytes: all of them travel in one event, and sealed in the order to forget."""
    assert has_room(JANE, JANE.id)
    assert not has_room(JANE.model_copy(update=known), JANE.id)


async def test_one_name_too_many_begins_a_contact_of_its_own(bench: Any) -> None:
    """Who is known by as many names as may be keeps them, and what is said under another one is not lost."""
    jane = {"email": "jane@customer.example"}

    def said(number: int) -> ContactUpdated:
        named = ContactIdentity(**jane, external_id=f"crm-{number}")
        return ContactUpdated(id=f"evt_{number}", account_id="acc_1", time=NOON, contact=named, name=f"Jane {number}")

    def known() -> dict[str, ContactChanged]:
        newest = {one.contact_id: one for one in bench.heard(ContactChanged)}
        return newest if sum(len(one.external_ids) for one in newest.values()) == MAX_IDENTITIES else {}

    await bench.platform.bus.publish([said(number) for number in range(MAX_IDENTITIES)])
    first, other = (await eventually(known)).values()

    assert (len(first.external_ids), first.emails) == (MAX_IDENTITIES - 1, ("jane@customer.example",))
    assert (other.external_ids, other.emails) == ((f"crm-{MAX_IDENTITIES - 1}",), ())
    assert first.name == other.name == f"Jane {MAX_IDENTITIES - 1}"


def test_the_directory_of_agents_fits_an_event_whatever_they_are_called() -> None:
    """So many agents with ordinary names are no matter; with the longest names there is room for fewer."""
    ordinary = [
        ANN.model_copy(update={"id": f"agt_{number:024}", "name": "Annabella Longstocking-Smith"})
        for number in range(AGENTS_PER_ACCOUNT)
    ]
    longest = [one.model_copy(update={"name": "😀" * 200}) for one in ordinary]

    assert fits(ordinary, ordinary[0])
    assert not fits(longest, longest[0])
    assert fits(longest[:700], longest[0])
