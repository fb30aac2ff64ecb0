"""A merged contact who is blocked or forgotten: the other contacts that they were go with them (L9, S3)."""

from datetime import timedelta
from typing import Any

import httpx

from service_kit.docstore import Eq
from service_kit.testing.eventually import eventually
from tickets.contacts.contact_model import CONTACTS
from tickets.ticket.model import MESSAGES, TICKETS

CARL = "carl@customer.example"
MOBILE = "+33612345678"


async def _one_of_two(bench: Any) -> tuple[str, str, list[str]]:
    """Carl by mail with Carl by phone merged into him: who stayed, who went, and the tickets."""
    entries = await bench.receive(bench.inbox.mail("secret one"), bench.inbox.sms("secret two", sender=MOBILE))
    shown = [await bench.get(f"/v1/tickets/{entry.ticket_id}") for entry in entries]
    by_mail, by_phone = (str(ticket["contact"]["id"]) for ticket in shown)
    answer = await bench.do("POST", f"/v1/contacts/{by_phone}/merge", {"into": by_mail})
    assert answer.status_code == httpx.codes.OK, answer.text
    return by_mail, by_phone, [str(entry.ticket_id) for entry in entries]


async def test_a_merged_person_is_forgotten_whole(bench: Any) -> None:
    """Asked by the id that was merged, erasure takes both tickets and both contacts; neither is found again (S3)."""
    by_mail, by_phone, tickets = await _one_of_two(bench)
    asked = await bench.do("POST", f"/v1/contacts/{by_phone}/erase")

    async def is_gone() -> bool:
        answers = [await bench.do("GET", f"/v1/contacts/{one}") for one in (by_mail, by_phone)]
        return all(answer.status_code == httpx.codes.NOT_FOUND for answer in answers)

    await eventually(is_gone, seconds=15)

    async def left() -> str:
        store = bench.platform.store
        found = [
            *(await store.collection(CONTACTS).get_many([by_mail, by_phone])).values(),
            *(await store.collection(TICKETS).get_many(tickets)).values(),
        ]
        for ticket_id in tickets:
            found += (await store.collection(MESSAGES).find(Eq("ticket_id", ticket_id))).items
        return "".join(one.model_dump_json() for one in found)

    async def is_clean() -> bool:
        stored = await left()
        return not any(word in stored for word in ("secret", CARL, MOBILE))

    await eventually(is_clean, seconds=15)

    assert asked.status_code == httpx.codes.ACCEPTED
    assert (await bench.get("/v1/contacts"))["items"] == []


async def test_who_was_forgotten_may_come_back(bench: Any) -> None:
    """A number of somebody forgotten that writes anew is a contact by itself, with a ticket of its own (S3)."""
    by_mail, by_phone, tickets = await _one_of_two(bench)
    await bench.do("POST", f"/v1/contacts/{by_mail}/erase")

    async def is_gone() -> bool:
        shown = await bench.get(f"/v1/contacts/{by_mail}/erasure")
        return bool(shown["state"] != "running")

    await eventually(is_gone, seconds=15)
    bench.clock.advance(timedelta(hours=1))
    now = bench.clock.now()
    [again] = await bench.receive(bench.inbox.sms("anew", sender=MOBILE, received_at=now, time=now))
    [mail] = await bench.receive(bench.inbox.mail("anew", received_at=now, time=now))
    contacts = {one["id"]: one for one in (await bench.get("/v1/contacts"))["items"]}
    homes = [(await bench.get(f"/v1/tickets/{one.ticket_id}"))["contact"]["id"] for one in (again, mail)]

    assert (again.verdict, mail.verdict) == ("created", "created")
    assert not {again.ticket_id, mail.ticket_id} & set(tickets)
    assert homes == [by_phone, by_mail]
    assert (contacts[by_phone]["phones"], contacts[by_phone]["merged_into"]) == ([MOBILE], None)
    assert (contacts[by_mail]["emails"], contacts[by_mail]["phones"]) == ([CARL], [])


async def test_a_merged_person_is_blocked_whole(bench: Any) -> None:
    """A block of the survivor holds for the merged one's number, and nothing is merged or unmerged meanwhile (L9)."""
    by_mail, by_phone, _ = await _one_of_two(bench)
    blocked = await bench.do("POST", f"/v1/contacts/{by_mail}/block")
    [entry] = await bench.receive(bench.inbox.sms("hello?", sender=MOBILE))

    async def is_marked() -> bool:
        return bool((await bench.get(f"/v1/contacts/{by_phone}"))["blocked"])

    await eventually(is_marked, seconds=15)
    refused = await bench.do("POST", f"/v1/contacts/{by_phone}/unmerge")

    assert blocked.status_code in {httpx.codes.OK, httpx.codes.CREATED, httpx.codes.ACCEPTED}
    assert entry.verdict == "blocked"
    assert (refused.status_code, refused.json()["code"]) == (409, "contact_blocked")
