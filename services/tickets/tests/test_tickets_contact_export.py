"""The copy of their data that a customer may ask for (S3)."""

from typing import Any

import httpx

from contracts.contacts import ContactEventRecorded, ContactIdentity
from contracts.ids import new_id
from contracts.people import Attachment
from service_kit.testing.eventually import eventually

CARL = "carl@customer.example"


async def written(bench: Any) -> str:
    """A contact with a ticket, a file, a note and an order elsewhere; the contact's id."""
    await bench.platform.blobs.put("acc_1/attachment/f", b"bytes")
    file = Attachment(id="att_1", name="f.txt", content_type="text/plain", size=5, blob_key="acc_1/attachment/f")
    (entry,) = await bench.receive(bench.inbox.mail("where is it?", sender=CARL, attachments=(file,)))
    await bench.receive(bench.inbox.mail("another's", sender="dora@customer.example"))
    await bench.do("POST", f"/v1/tickets/{entry.ticket_id}/notes", {"text": "internal"})
    contact_id = (await bench.get(f"/v1/tickets/{entry.ticket_id}"))["contact"]["id"]
    event = ContactEventRecorded(
        id=new_id("evt"),
        account_id="acc_1",
        time=bench.clock.now(),
        contact=ContactIdentity(email=CARL),
        metric="order",
        at=bench.clock.now(),
        properties={"total": 7},
    )
    await bench.platform.bus.publish([event])

    async def is_known() -> bool:
        return bool((await bench.get(f"/v1/contacts/{contact_id}/events"))["items"])

    await eventually(is_known, seconds=15)
    return str(contact_id)


async def test_an_export_has_everything_but_internal_notes(bench: Any) -> None:
    """Contact, tickets, messages and activities are in one JSON document, another's are not; notes on request (S3)."""
    contact_id = await written(bench)
    plain = await bench.get(f"/v1/contacts/{contact_id}/export")
    whole = await bench.get(f"/v1/contacts/{contact_id}/export", notes="true", files="true")
    (ticket,) = plain["tickets"]
    (message,) = ticket["messages"]

    assert (plain["contact"]["emails"], ticket["subject"]) == ([CARL], "Order")
    assert (message["text"], message["attachments"][0]["content"]) == ("where is it?", None)
    assert [activity["properties"] for activity in plain["activities"]] == [{"total": 7}]
    assert sorted(one["kind"] for one in whole["tickets"][0]["messages"]) == ["inbound", "note"]
    assert whole["tickets"][0]["messages"][0]["attachments"][0]["content"] == "Ynl0ZXM="


async def test_exports_are_for_ones_own_contacts(bench: Any) -> None:
    """A contact of another account is not found (S4)."""
    contact_id = await written(bench)
    bench.http.headers.update(await bench.as_agent("agt_9", "acc_2"))

    assert (await bench.do("GET", f"/v1/contacts/{contact_id}/export")).status_code == httpx.codes.NOT_FOUND


async def test_what_was_set_aside_is_in_the_export(bench: Any) -> None:
    """What somebody wrote while they were blocked is theirs as well, with its files; another's is not (S3, L9)."""
    contact_id = await written(bench)
    for value in (CARL, "dora@customer.example"):
        await bench.do("POST", "/v1/blocks", {"kind": "email", "value": value})
    await bench.platform.blobs.put("acc_1/attachment/k", b"kept")
    file = Attachment(id="att_2", name="k.txt", content_type="text/plain", size=4, blob_key="acc_1/attachment/k")
    await bench.receive(
        bench.inbox.mail("while blocked", sender=CARL, attachments=(file,)),
        bench.inbox.mail("not hers", sender="dora@customer.example"),
    )
    export = await bench.get(f"/v1/contacts/{contact_id}/export", files="true")
    (kept,) = export["set_aside"]

    assert (kept["text"], kept["channel"], kept["subject"]) == ("while blocked", "email", "Order")
    assert [(one["name"], one["content"]) for one in kept["attachments"]] == [("k.txt", "a2VwdA==")]
    assert "blob_key" not in kept["attachments"][0]
