from datetime import timedelta
from typing import Any

from contracts.contacts import (
    Consent,
    ContactChanged,
    ContactEventRecorded,
    ContactIdentity,
    ContactUpdated,
    SmsConsent,
)
from contracts.ids import new_id
from service_kit.testing.eventually import eventually

CARL = {"email": "carl@customer.example"}


def _facts(bench: Any, contact: dict[str, str], **given: Any) -> ContactUpdated:
    fields = {"id": new_id("evt"), "account_id": "acc_1", "time": bench.clock.now()}
    return ContactUpdated.model_validate({**fields, "contact": ContactIdentity(**contact), **given})


async def test_facts_reach_the_contact_who_wrote(bench: Any):
    """Facts by e-mail address reach the contact of the ticket, who is republished whole."""
    await bench.receive(bench.inbox.mail())
    await bench.platform.bus.publish([_facts(bench, CARL, name="Carl", segments=["vip"], custom={"plan": "gold"})])
    _, changed = await bench.hear(ContactChanged, count=2)
    [ticket] = await bench.tickets()

    assert (changed.name, changed.segments, changed.custom) == ("Carl", ("vip",), {"plan": "gold"})
    assert (changed.version, changed.emails) == (2, ("carl@customer.example",))
    assert ticket["contact"]["name"] == "Carl"


async def test_facts_may_come_first(bench: Any):
    """A contact may be reported before they write; then the message is theirs, by either identity."""
    both = {**CARL, "phone": "+33612345678"}
    await bench.platform.bus.publish([_facts(bench, both, name="Carl")])
    await bench.hear(ContactChanged)
    await bench.receive(bench.inbox.mail(), bench.inbox.sms())
    tickets = await bench.tickets()

    assert {ticket["contact"]["name"] for ticket in tickets} == {"Carl"}
    assert len({ticket["contact"]["id"] for ticket in tickets}) == 1


async def test_the_same_report_twice_is_told_once(bench: Any):
    """A report that arrives again changes nothing and publishes nothing."""
    report = _facts(bench, CARL, segments=["vip"])
    await bench.platform.bus.publish([report])
    await bench.platform.bus.publish([report, _facts(bench, {"external_id": "crm-7"})])
    changed = await bench.hear(ContactChanged, count=2)

    assert [event.segments for event in changed] == [("vip",), ()]


async def test_consent_is_kept_per_number(bench: Any):
    """Consent belongs to its number, and an older word does not undo a newer one (M5)."""
    phone = {"phone": "+33612345678"}
    now = bench.clock.now()
    said = [
        _facts(bench, {**CARL, **phone}, consent=Consent(sms=SmsConsent(marketing=True))),
        _facts(bench, phone, consent=Consent(sms=SmsConsent(stopped=True)), time=now + timedelta(minutes=2)),
        _facts(bench, phone, consent=Consent(sms=SmsConsent(stopped=False)), time=now + timedelta(minutes=1)),
    ]
    await bench.platform.bus.publish(said[:1])
    await bench.hear(ContactChanged, count=1)
    await bench.platform.bus.publish(said[1:])
    changed = await bench.hear(ContactChanged, count=2)
    consent = changed[-1].sms_consent["+33612345678"]

    assert (consent.marketing, consent.stopped) == (True, True)
    assert consent.updated_at == now + timedelta(minutes=2)


async def test_known_contacts_are_not_merged(bench: Any):
    """A report that names two known contacts is about each; merging is a person's decision."""
    await bench.receive(bench.inbox.mail(), bench.inbox.sms())
    await bench.platform.bus.publish([_facts(bench, {**CARL, "phone": "+33612345678"}, segments=["vip"])])
    changed = await bench.hear(ContactChanged, count=4)

    assert len({event.contact_id for event in changed}) == 2
    assert [event.segments for event in changed[2:]] == [("vip",), ("vip",)]


async def test_what_contacts_do_is_shown(bench: Any):
    """What a contact did elsewhere is listed newest first, by metric if asked (V3)."""
    contact = ContactIdentity(**CARL)
    now = bench.clock.now()
    acts = [
        ContactEventRecorded(
            id=f"evt_{number}",
            account_id="acc_1",
            time=now,
            contact=contact,
            metric=metric,
            at=now - timedelta(days=number),
            properties={"total": number},
        )
        for number, metric in enumerate(["order", "visit", "order"])
    ]
    await bench.platform.bus.publish([*acts, acts[0]])
    [changed] = await bench.hear(ContactChanged)
    path = f"/v1/contacts/{changed.contact_id}/events"

    async def listed() -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = (await bench.get(path, metric="order"))["items"]
        return items if len(items) == 2 else []

    orders = await eventually(listed)

    assert [item["properties"]["total"] for item in orders] == [0, 2]
    assert len((await bench.get(path))["items"]) == 3


async def test_contacts_are_searched(bench: Any):
    """Contacts are found by name, address and number."""
    await bench.platform.bus.publish([_facts(bench, {**CARL, "phone": "+33612345678"}, name="Carl Ünlü")])
    await bench.hear(ContactChanged)
    found = {
        q: [contact["name"] for contact in (await bench.get("/v1/contacts", q=q))["items"]]
        for q in ("unlu", "carl@customer", "0612345678", "nobody")
    }

    assert found == {"unlu": ["Carl Ünlü"], "carl@customer": ["Carl Ünlü"], "0612345678": ["Carl Ünlü"], "nobody": []}
