"""Having a contact forgotten: what goes, what stays, and what comes late (S3, L9)."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import httpx

from contracts.contacts import ContactChanged
from contracts.envelope import Event
from contracts.erasure import ContactErased, ContactErasureObeyed, ErasedIdentities
from contracts.ids import new_id
from contracts.people import Attachment
from contracts.tickets import TicketClosed
from contracts.topics import CONTACT_ERASURES
from service_kit.blobs import BlobMissing
from service_kit.bus import Subscription
from service_kit.docstore import Eq, Has
from service_kit.testing.callers import sign_in
from service_kit.testing.eventually import eventually
from tickets.contacts.contact_model import CONTACTS, IDENTITIES
from tickets.contacts.contacts import identity
from tickets.ledger.intake_entry import INTAKE
from tickets.privacy.erasure import ERASURES, OWNERS, erasure_id
from tickets.privacy.number_stop import NUMBER_STOPS
from tickets.ticket.model import HISTORY, MESSAGES, TICKETS

CARL = "carl@customer.example"
PHONE = "+33612345678"
LATER = timedelta(seconds=31)


async def erased(bench: Any, contact_id: str) -> None:
    """Ask, and wait until tickets has done its part."""
    answer = await bench.do("POST", f"/v1/contacts/{contact_id}/erase")
    assert answer.status_code == httpx.codes.ACCEPTED, answer.text

    async def is_announced() -> bool:
        shown = await bench.get(f"/v1/contacts/{contact_id}/erasure")
        return bool(shown["state"] != "running")

    await eventually(is_announced, seconds=15)


async def contact_of(bench: Any, ticket_id: str | None) -> str:
    """Whose ticket it is."""
    return str((await bench.get(f"/v1/tickets/{ticket_id}"))["contact"]["id"])


async def put_file(bench: Any, name: str) -> Attachment:
    """A file as a gateway stores it."""
    key = f"acc_1/attachment/{name}"
    await bench.platform.blobs.put(key, name.encode())
    return Attachment(id=f"att_{name}", name=f"{name}.txt", content_type="text/plain", size=4, blob_key=key)


async def is_stored(bench: Any, key: str) -> bool:
    """Whether a blob is there."""
    try:
        await bench.platform.blobs.get(key)
    except BlobMissing:
        return False
    return True


async def test_nothing_of_what_was_written_stays(bench: Any) -> None:
    """Ticket, thread, note, search, history and contact are gone, and followers of contacts learn of nothing (S3)."""
    (entry,) = await bench.receive(bench.inbox.mail("the secret word", sender=CARL))
    contact_id = await contact_of(bench, entry.ticket_id)
    await bench.do("POST", f"/v1/tickets/{entry.ticket_id}/notes", {"text": "about the secret"})
    await erased(bench, contact_id)
    store = bench.platform.store
    ticket = await store.collection(TICKETS).get(entry.ticket_id)
    messages = await store.collection(MESSAGES).find(_about(entry.ticket_id))
    history = await store.collection(HISTORY).find(_about(entry.ticket_id))
    contact = await store.collection(CONTACTS).get(contact_id)
    (tombstone,) = bench.heard(ContactChanged, contact_id=contact_id)[-1:]
    answers = [
        (await bench.do("GET", path)).status_code
        for path in (f"/v1/tickets/{entry.ticket_id}", f"/v1/contacts/{contact_id}")
    ]
    stored = "".join(one.model_dump_json() for one in (ticket, *messages.items, *history.items, contact))

    assert answers == [httpx.codes.NOT_FOUND] * 2
    assert not any(word in stored for word in ("secret", CARL, "Order"))
    assert [entry.data["hidden"] for entry in history.items] == [True]
    assert len(messages.items) == 2
    assert await bench.tickets() == []
    assert (tombstone.emails, tombstone.name, tombstone.version) == ((), None, contact.version)
    assert bench.heard(TicketClosed, ticket_id=entry.ticket_id, cause="erasure") != []


async def test_files_go_unless_somebody_else_has_them_too(bench: Any) -> None:
    """Raw mail and files are deleted, but for a file that another customer sent as well (S3)."""
    own, shared = await put_file(bench, "own"), await put_file(bench, "logo")
    raw = "acc_1/mail/raw1"
    await bench.platform.blobs.put(raw, b"raw")
    first, _ = await bench.receive(
        bench.inbox.mail(sender=CARL, attachments=(own, shared), raw_blob_key=raw),
        bench.inbox.mail(sender="dora@customer.example", attachments=(shared,)),
    )
    await erased(bench, await contact_of(bench, first.ticket_id))
    left = {key: await is_stored(bench, key) for key in (own.blob_key, shared.blob_key, raw)}

    assert left == {own.blob_key: False, shared.blob_key: True, raw: False}


async def test_a_late_redelivery_does_not_resurrect(bench: Any) -> None:
    """The same mail once more is a duplicate in the ledger, unnamed; its files are taken away again (L9, I2)."""
    (entry,) = await bench.receive(bench.inbox.mail("secret", sender=CARL, mail_id="once@customer.example"))
    contact_id = await contact_of(bench, entry.ticket_id)
    await erased(bench, contact_id)
    late, raw = await put_file(bench, "late"), "acc_1/mail/late"
    await bench.platform.blobs.put(raw, b"raw")
    again = bench.inbox.mail(
        "secret", sender=CARL, mail_id="once@customer.example", attachments=(late,), raw_blob_key=raw
    )
    (verdict,) = await bench.receive(again)
    first = await bench.platform.store.collection(INTAKE).get(entry.id)

    async def is_taken_away() -> bool:
        return not await is_stored(bench, late.blob_key) and not await is_stored(bench, raw)

    await eventually(is_taken_away)

    assert (verdict.verdict, verdict.rule) == ("duplicate", "same_message")
    assert "once@customer.example" not in (verdict.provider_message_id, first.provider_message_id)
    assert first.verdict == "created"
    assert (await bench.do("GET", f"/v1/contacts/{contact_id}")).status_code == httpx.codes.NOT_FOUND


async def test_who_writes_again_is_somebody_new(bench: Any) -> None:
    """A new mail, even in reply to an erased thread, opens a ticket; the contact's version goes on (S3)."""
    (entry,) = await bench.receive(bench.inbox.mail(sender=CARL, mail_id="old@customer.example"))
    contact_id = await contact_of(bench, entry.ticket_id)
    await erased(bench, contact_id)
    (tombstone,) = bench.heard(ContactChanged, contact_id=contact_id)[-1:]
    bench.clock.advance(timedelta(seconds=1))
    reply = bench.inbox.mail("hello", sender=CARL, in_reply_to=("old@customer.example",), received_at=bench.clock.now())
    (again,) = await bench.receive(reply)
    bench.clock.advance(LATER)
    (last,) = (await bench.hear(ContactChanged, contact_id=contact_id, emails=(CARL,), count=2))[-1:]

    async def is_over() -> bool:
        erasure = await bench.platform.store.collection(ERASURES).get(erasure_id("acc_1", contact_id))
        return bool(erasure.sealed == "")

    await eventually(is_over, seconds=15)

    assert (again.verdict, again.ticket_id != entry.ticket_id) == ("created", True)
    assert last.version > tombstone.version
    assert await bench.thread(again.ticket_id) == [("inbound", "hello")]


async def test_what_they_wrote_in_the_tickets_of_others_goes_too(bench: Any) -> None:
    """Who was in copy of somebody else's mail is forgotten there, and that ticket is found by the rest (S3)."""
    (first,) = await bench.receive(
        bench.inbox.mail("kettle", sender="dora@customer.example", mail_id="first@x.example", cc=(CARL,))
    )
    (guest,) = await bench.receive(bench.inbox.mail("teapot", sender=CARL, in_reply_to=("first@x.example",)))
    (contact,) = bench.heard(ContactChanged, emails=(CARL,))[-1:]
    await erased(bench, contact.contact_id)

    assert guest.ticket_id == first.ticket_id
    assert await bench.thread(first.ticket_id) == [("inbound", "kettle"), ("inbound", "")]
    assert await bench.tickets(q="teapot") == []
    assert [ticket["id"] for ticket in await bench.tickets(q="kettle")] == [first.ticket_id]


async def test_a_guest_who_wrote_much_is_forgotten_whole(bench: Any) -> None:
    """However many messages somebody wrote in the tickets of others, none of them is left (S3)."""
    (first,) = await bench.receive(
        bench.inbox.mail("kettle", sender="dora@customer.example", mail_id="first@x.example", cc=(CARL,))
    )
    await bench.receive(bench.inbox.mail("teapot", sender=CARL, in_reply_to=("first@x.example",)))
    (contact,) = bench.heard(ContactChanged, emails=(CARL,))[-1:]
    messages = bench.platform.store.collection(MESSAGES)
    (guest,) = [one for one in (await messages.find(_about(first.ticket_id))).items if one.is_guest]
    more = [guest.model_copy(update={"id": f"msg_{number}", "rev": 0, "seq": number}) for number in range(3, 1_010)]
    await messages.insert_many([one.model_copy(update={"mail_id": None}) for one in more])
    await erased(bench, contact.contact_id)
    left = await messages.find(Has("traces", (contact.contact_id,)))

    assert left.items == []
    assert await bench.tickets(q="teapot") == []


async def test_files_that_a_block_set_aside_stay(bench: Any) -> None:
    """A file that a blocked customer sent too is there when the block is lifted (S3, L9)."""
    shared = await put_file(bench, "logo")
    await bench.do("POST", "/v1/blocks", {"kind": "email", "value": "dora@customer.example"})
    first, _ = await bench.receive(
        bench.inbox.mail(sender=CARL, attachments=(shared,)),
        bench.inbox.mail(sender="dora@customer.example", attachments=(shared,)),
    )
    await erased(bench, await contact_of(bench, first.ticket_id))

    assert await is_stored(bench, shared.blob_key)


async def test_a_stop_outlives_its_person_as_a_hash(bench: Any) -> None:
    """After an erasure an import of consents does not undo the stop of the number, which nothing names (M5, S3)."""
    (entry,) = await bench.receive(bench.inbox.sms(sender=PHONE))
    await bench.consents(stopped=True)
    contact_id = await contact_of(bench, entry.ticket_id)
    await erased(bench, contact_id)
    stop = await bench.platform.store.collection(NUMBER_STOPS).get(identity("acc_1", "phone", PHONE).id)
    await bench.consents(marketing=True)
    (last,) = bench.heard(ContactChanged)[-1:]

    assert PHONE not in stop.model_dump_json()
    assert last.sms_consent[PHONE].stopped


async def test_the_order_names_nobody_and_progress_is_shown(bench: Any, make_platform: Any) -> None:
    """Owners are told sealed names and ticket ids; each one's answer shows, and with the last the erasure is done."""
    orders: list[ContactErased] = []

    async def note(events: Sequence[Event]) -> None:
        orders.extend(event for event in events if isinstance(event, ContactErased))

    owner = make_platform("notifier")
    owner.bus.subscribe(Subscription(CONTACT_ERASURES, "notifier", note))
    await owner.bus.start()
    (entry,) = await bench.receive(bench.inbox.mail(sender=CARL))
    contact_id = await contact_of(bench, entry.ticket_id)
    await erased(bench, contact_id)
    await eventually(lambda: orders)
    order = orders[0]
    shown = []
    for one in OWNERS:
        await owner.bus.publish([_obeyed(order, one)])

        async def is_noted(name: str = one) -> bool:
            owners = (await bench.get(f"/v1/contacts/{contact_id}/erasure"))["owners"]
            return any(row["owner"] == name and row["done_at"] for row in owners)

        await eventually(is_noted)
        shown.append((await bench.get(f"/v1/contacts/{contact_id}/erasure"))["state"])
    await owner.bus.stop()

    assert CARL not in order.model_dump_json()
    assert ErasedIdentities.model_validate_json(bench.platform.secrets.decrypt(order.sealed)).emails == (CARL,)
    assert order.ticket_ids == (entry.ticket_id,)
    assert shown == ["announced"] * (len(OWNERS) - 1) + ["done"]


async def test_what_was_on_its_way_is_looked_for_once_more(bench: Any) -> None:
    """A ticket that was being opened while its customer was forgotten goes with the second look (S3)."""
    before = bench.clock.now()
    (entry,) = await bench.receive(bench.inbox.sms(sender=PHONE, provider_id="first"))
    contact_id = await contact_of(bench, entry.ticket_id)
    bench.clock.advance(timedelta(seconds=5))
    await erased(bench, contact_id)
    late = bench.inbox.sms("late", sender=PHONE, provider_id="second", received_at=before, time=before)
    (second,) = await bench.receive(late)
    bench.clock.advance(LATER)

    async def is_gone() -> bool:
        answer = await bench.do("GET", f"/v1/tickets/{second.ticket_id}")
        known = await bench.platform.store.collection(IDENTITIES).get(identity("acc_1", "phone", PHONE).id)
        return bool(answer.status_code == httpx.codes.NOT_FOUND and known is None)

    assert second.verdict == "created"
    assert await eventually(is_gone, seconds=15)


async def test_erasing_is_for_admins_and_for_ones_own_customers(bench: Any) -> None:
    """Support may not have anybody forgotten; a contact of another account, or of nobody, is not found (S1, S4)."""
    (entry,) = await bench.receive(bench.inbox.mail(sender=CARL))
    contact_id = await contact_of(bench, entry.ticket_id)
    unknown = await bench.do("POST", "/v1/contacts/con_unknown/erase")
    nobody_asked = await bench.do("GET", f"/v1/contacts/{contact_id}/erasure")
    bench.http.headers.update(await bench.as_agent("agt_9", "acc_2"))
    foreign = await bench.do("POST", f"/v1/contacts/{contact_id}/erase")
    bench.http.headers.update(await sign_in(bench.platform, account_id="acc_1", agent_id="agt_2", role="support"))
    refused = await bench.do("POST", f"/v1/contacts/{contact_id}/erase")

    assert [one.status_code for one in (unknown, nobody_asked, foreign)] == [httpx.codes.NOT_FOUND] * 3
    assert refused.status_code == httpx.codes.FORBIDDEN


def _obeyed(order: ContactErased, owner: str) -> ContactErasureObeyed:
    return ContactErasureObeyed.model_validate(
        {
            "id": new_id("evt"),
            "account_id": order.account_id,
            "time": order.time,
            "erasure_id": order.erasure_id,
            "contact_id": order.contact_id,
            "owner": owner,
            "part": order.part,
        }
    )


def _about(ticket_id: str | None) -> Eq:
    return Eq("ticket_id", ticket_id)
