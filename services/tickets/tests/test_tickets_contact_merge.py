import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from contracts.contacts import (
    Consent,
    ContactChanged,
    ContactEventRecorded,
    ContactIdentity,
    ContactUpdated,
    SmsConsent,
)
from contracts.ids import new_id
from contracts.settings import TicketSettings
from service_kit.testing.callers import sign_in
from service_kit.testing.eventually import eventually

CARL = "carl@customer.example"
MOBILE, HOME = "+33612345678", "+33612345679"
SHOWN = ("name", "emails", "phones", "external_ids", "segments", "sms_consent", "custom", "merged")


def _facts(bench: Any, **said: Any) -> ContactUpdated:
    contact = ContactIdentity(**{key: said.pop(key) for key in ("email", "phone", "external_id") if key in said})
    fields = {"id": new_id("evt"), "account_id": "acc_1", "time": bench.clock.now(), "contact": contact}
    return ContactUpdated.model_validate({**fields, **said})


def _sms(**said: bool) -> Consent:
    return Consent(sms=SmsConsent(**said))


async def _report(bench: Any, *reports: Any) -> None:
    """Hand reports over, and wait until tickets has told of the last one's contact."""
    before = len(bench.heard(ContactChanged))
    await bench.platform.bus.publish(reports)
    await bench.hear(ContactChanged, count=before + 1)


async def _contact_of(bench: Any, ticket_id: str | None) -> str:
    return str((await bench.get(f"/v1/tickets/{ticket_id}"))["contact"]["id"])


async def _shown(bench: Any, contact_id: str) -> dict[str, Any]:
    contact = await bench.get(f"/v1/contacts/{contact_id}")
    return {field: contact[field] for field in SHOWN}


async def _merge(bench: Any, source: str, target: str) -> httpx.Response:
    answer: httpx.Response = await bench.do("POST", f"/v1/contacts/{source}/merge", {"into": target})
    return answer


async def _two(bench: Any) -> tuple[str, str, str, str]:
    """Carl by mail and Carl by phone, whom nobody knows to be one: their contacts, and their tickets."""
    mail, sms = await bench.receive(bench.inbox.mail(), bench.inbox.sms(sender=MOBILE))
    by_mail, by_phone = await _contact_of(bench, mail.ticket_id), await _contact_of(bench, sms.ticket_id)
    return by_mail, by_phone, str(mail.ticket_id), str(sms.ticket_id)


async def test_two_contacts_become_one(bench: Any):
    """Identities, segments, fields, consent, tickets and events of both are the survivor's (V3)."""
    by_mail, by_phone, _, sms_ticket = await _two(bench)
    await _report(bench, _facts(bench, email=CARL, name="Carl", segments=["vip"], custom={"plan": "gold"}))
    said = {"segments": ["sms-club"], "custom": {"size": 42}, "consent": _sms(marketing=True, stopped=True)}
    await _report(bench, _facts(bench, phone=MOBILE, **said))
    merged = await _merge(bench, by_phone, by_mail)
    whole = await bench.get(f"/v1/contacts/{by_mail}")
    ticket = await bench.get(f"/v1/tickets/{sms_ticket}")

    assert merged.status_code == 200
    assert (whole["name"], whole["emails"], whole["phones"]) == ("Carl", [CARL], [MOBILE])
    assert (whole["segments"], whole["custom"]) == (["vip", "sms-club"], {"plan": "gold", "size": 42})
    assert whole["sms_consent"] == {MOBILE: {"marketing": True, "transactional": False, "stopped": True}}
    assert ticket["contact"] == {"id": by_mail, "name": "Carl", "email": CARL, "phone": MOBILE}
    assert len(await bench.tickets(contact=by_mail)) == 2
    assert len(await bench.tickets(contact=by_phone)) == 2
    assert (ticket["contact_tickets"], ticket["contact_open_tickets"]["count"]) == ({"count": 2, "more": False}, 2)


async def test_a_merged_contact_leads_to_the_survivor(bench: Any):
    """Asked for the merged one, the API answers with the survivor and says so; lists and search show one (V3)."""
    by_mail, by_phone, *_ = await _two(bench)
    await _merge(bench, by_phone, by_mail)
    asked = await bench.get(f"/v1/contacts/{by_phone}")
    listed = await bench.get("/v1/contacts")
    found = await bench.get("/v1/contacts", q=MOBILE)

    assert (asked["id"], asked["merged_into"], asked["merged"]) == (by_mail, by_mail, [by_phone])
    assert [contact["id"] for contact in listed["items"]] == [by_mail]
    assert [(contact["id"], contact["merged_into"]) for contact in found["items"]] == [(by_mail, None)]


async def test_both_are_told_of(bench: Any):
    """The survivor is republished whole, and the other one empty with where it went."""
    by_mail, by_phone, *_ = await _two(bench)
    await _merge(bench, by_phone, by_mail)
    [gone] = await bench.hear(ContactChanged, contact_id=by_phone, merged_into=by_mail)
    [whole] = await bench.hear(ContactChanged, contact_id=by_mail, merged=(by_phone,))

    assert (gone.phones, gone.segments, gone.sms_consent, gone.merged) == ((), (), {}, ())
    assert (whole.emails, whole.phones, whole.merged_into) == ((CARL,), (MOBILE,), None)


async def test_unmerging_gives_both_back(bench: Any):
    """Undone, each shows exactly what it showed before, and has its own tickets (V3)."""
    by_mail, by_phone, mail_ticket, sms_ticket = await _two(bench)
    await _report(bench, _facts(bench, email=CARL, name="Carl", segments=["vip"]))
    await _report(bench, _facts(bench, phone=MOBILE, segments=["vip", "club"], consent=_sms(transactional=True)))
    before = [await _shown(bench, one) for one in (by_mail, by_phone)]
    await _merge(bench, by_phone, by_mail)
    undone = await bench.do("POST", f"/v1/contacts/{by_phone}/unmerge")
    after = [await _shown(bench, one) for one in (by_mail, by_phone)]
    tickets = [[t["id"] for t in await bench.tickets(contact=one)] for one in (by_mail, by_phone)]
    told = await bench.hear(ContactChanged, contact_id=by_phone, merged_into=None, count=3)

    assert (undone.status_code, undone.json()["id"], undone.json()["merged_into"]) == (200, by_phone, None)
    assert after == before
    assert tickets == [[mail_ticket], [sms_ticket]]
    assert told[-1].phones == (MOBILE,)


async def test_what_is_reported_of_the_merged_one_reaches_the_survivor(bench: Any):
    """Facts, redelivered or new, consent and events by the merged identity are the survivor's, and leave with it."""
    by_mail, by_phone, *_ = await _two(bench)
    old = _facts(bench, phone=MOBILE, segments=["old"])
    await _report(bench, old)
    await _merge(bench, by_phone, by_mail)
    bench.clock.advance(timedelta(minutes=1))
    act = ContactEventRecorded(
        id="evt_act",
        account_id="acc_1",
        time=bench.clock.now(),
        contact=ContactIdentity(phone=MOBILE),
        metric="Visited",
        at=bench.clock.now(),
    )
    new = _facts(bench, phone=MOBILE, external_id="crm-7", custom={"plan": "gold"}, consent=_sms(transactional=True))
    await _report(bench, old, act, new)
    whole = await bench.get(f"/v1/contacts/{by_mail}")
    acts = await eventually(lambda: _acts(bench, by_mail))
    await bench.do("POST", f"/v1/contacts/{by_phone}/unmerge")
    [alone, back] = [await _shown(bench, one) for one in (by_mail, by_phone)]

    assert (whole["segments"], whole["external_ids"], whole["custom"]) == (["old"], ["crm-7"], {"plan": "gold"})
    assert whole["sms_consent"][MOBILE]["transactional"]
    assert [one["metric"] for one in acts] == ["Visited"]
    assert (alone["custom"], alone["external_ids"], alone["phones"]) == ({}, [], [])
    assert (back["custom"], back["external_ids"], back["segments"]) == ({"plan": "gold"}, ["crm-7"], ["old"])
    assert [one["metric"] for one in await _acts(bench, by_phone)] == ["Visited"]
    assert await _acts(bench, by_mail) == []


async def _acts(bench: Any, contact_id: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await bench.get(f"/v1/contacts/{contact_id}/events"))["items"]
    return items


async def test_a_stop_of_the_person_is_about_every_number(bench: Any):
    """Reported by the survivor's address, a stop holds for the merged one's number, and outlives the unmerge (M5)."""
    by_mail, by_phone, _, sms_ticket = await _two(bench)
    await _report(bench, _facts(bench, phone=MOBILE, consent=_sms(transactional=True)))
    await _merge(bench, by_phone, by_mail)
    allowed = await bench.do("POST", f"/v1/tickets/{sms_ticket}/messages", {"text": "Hello"})
    bench.clock.advance(timedelta(minutes=1))
    await _report(bench, _facts(bench, email=CARL, consent=_sms(stopped=True)))
    merged = await bench.do("POST", f"/v1/tickets/{sms_ticket}/messages", {"text": "Hello?"})
    await bench.do("POST", f"/v1/contacts/{by_phone}/unmerge")
    apart = await bench.do("POST", f"/v1/tickets/{sms_ticket}/messages", {"text": "Hello?"})

    assert allowed.status_code == 201
    assert [(one.status_code, one.json()["code"]) for one in (merged, apart)] == [(409, "no_sms_consent")] * 2


async def test_the_newer_of_two_sms_threads_goes_on(bench: Any):
    """Both SMS tickets of a merged person stay; the next message goes to the one written to last, then there (M3)."""
    [home] = await bench.receive(bench.inbox.sms("one", sender=HOME))
    bench.clock.advance(timedelta(minutes=1))
    [mobile] = await bench.receive(bench.inbox.sms("two", sender=MOBILE, received_at=bench.clock.now()))
    await _merge(bench, await _contact_of(bench, home.ticket_id), await _contact_of(bench, mobile.ticket_id))
    bench.clock.advance(timedelta(minutes=1))
    later = bench.clock.now()
    third, fourth = await bench.receive(
        bench.inbox.sms("three", sender=HOME, received_at=later),
        bench.inbox.sms("four", sender=MOBILE, received_at=later),
    )
    statuses = [ticket["status"] for ticket in await bench.tickets()]

    assert {third.ticket_id, fourth.ticket_id} == {mobile.ticket_id}
    assert [third.verdict, fourth.verdict] == ["appended", "appended"]
    assert statuses == ["open", "open"]


async def test_an_unfinished_thread_goes_before_a_closed_one(bench: Any):
    """If the newer SMS ticket is closed and the other is not, the open one takes the next message (M3)."""
    [home] = await bench.receive(bench.inbox.sms("one", sender=HOME))
    bench.clock.advance(timedelta(minutes=1))
    [mobile] = await bench.receive(bench.inbox.sms("two", sender=MOBILE, received_at=bench.clock.now()))
    await bench.do("POST", f"/v1/tickets/{mobile.ticket_id}/close")
    await _merge(bench, await _contact_of(bench, home.ticket_id), await _contact_of(bench, mobile.ticket_id))
    [third] = await bench.receive(bench.inbox.sms("three", sender=MOBILE))

    assert (third.ticket_id, third.verdict) == (home.ticket_id, "appended")


async def test_replies_go_to_the_number_last_written_from(bench: Any):
    """In the one thread of a merged person the answer leaves for the number they used last, by its consent (M3, M5)."""
    [home] = await bench.receive(bench.inbox.sms("one", sender=HOME))
    await _report(bench, _facts(bench, phone=MOBILE, consent=_sms(transactional=True)))
    [changed] = await bench.hear(ContactChanged, phones=(MOBILE,))
    await _merge(bench, changed.contact_id, await _contact_of(bench, home.ticket_id))
    refused = await bench.do("POST", f"/v1/tickets/{home.ticket_id}/messages", {"text": "Hello"})
    [joined] = await bench.receive(bench.inbox.sms("two", sender=MOBILE))
    sent = await bench.do("POST", f"/v1/tickets/{home.ticket_id}/messages", {"text": "Hello"})

    assert joined.ticket_id == home.ticket_id
    assert (refused.status_code, sent.status_code) == (409, 201)


async def test_threads_part_with_their_contacts(bench: Any):
    """After an unmerge each number's next message goes to its own contact's ticket again (M3)."""
    [home] = await bench.receive(bench.inbox.sms("one", sender=HOME))
    [mobile] = await bench.receive(bench.inbox.sms("two", sender=MOBILE))
    one, two = await _contact_of(bench, home.ticket_id), await _contact_of(bench, mobile.ticket_id)
    await _merge(bench, one, two)
    await bench.do("POST", f"/v1/contacts/{one}/unmerge")
    third, fourth = await bench.receive(bench.inbox.sms("three", sender=HOME), bench.inbox.sms("four", sender=MOBILE))

    assert [third.ticket_id, fourth.ticket_id] == [home.ticket_id, mobile.ticket_id]


async def test_a_merged_persons_new_thread_follows_the_preset(bench: Any):
    """With `status_page` the newest thread is continued by one ticket, which then takes messages of both (M3)."""
    await bench.set("tickets", TicketSettings(reopen_preset="status_page"))
    [home] = await bench.receive(bench.inbox.sms("one", sender=HOME))
    [mobile] = await bench.receive(bench.inbox.sms("two", sender=MOBILE))
    await _merge(bench, await _contact_of(bench, home.ticket_id), await _contact_of(bench, mobile.ticket_id))
    for entry in (home, mobile):
        await bench.do("POST", f"/v1/tickets/{entry.ticket_id}/close")
    bench.clock.advance(timedelta(days=4))
    now = bench.clock.now()
    [third] = await bench.receive(bench.inbox.sms("three", sender=HOME, received_at=now))
    [fourth] = await bench.receive(bench.inbox.sms("four", sender=MOBILE, received_at=now))

    assert (third.verdict, fourth.verdict) == ("created", "appended")
    assert third.ticket_id == fourth.ticket_id
    assert third.ticket_id not in {home.ticket_id, mobile.ticket_id}


async def test_mail_from_the_other_address_belongs_to_the_thread(bench: Any):
    """Who writes on from another address of theirs takes part in the thread once they are known as one (X3)."""
    [first] = await bench.receive(bench.inbox.mail(mail_id="1@c"))
    [stranger] = await bench.receive(bench.inbox.mail(sender="c@work.example", references=["1@c"]))
    await _merge(bench, await _contact_of(bench, stranger.ticket_id), await _contact_of(bench, first.ticket_id))
    [joined] = await bench.receive(bench.inbox.mail(sender="c@work.example", in_reply_to=["1@c"]))

    assert stranger.ticket_id != first.ticket_id
    assert (joined.ticket_id, joined.verdict) == (first.ticket_id, "appended")


async def test_tickets_of_one_person_may_be_merged(bench: Any):
    """Tickets of contacts that became one are no more of different contacts (L7)."""
    by_mail, by_phone, mail_ticket, sms_ticket = await _two(bench)
    before = await bench.do("POST", f"/v1/tickets/{sms_ticket}/merge", {"into": mail_ticket})
    await _merge(bench, by_phone, by_mail)
    after = await bench.do("POST", f"/v1/tickets/{sms_ticket}/merge", {"into": mail_ticket})

    assert (before.status_code, before.json()["code"]) == (409, "contacts_differ")
    assert after.status_code == 200


async def test_opposite_merges_end_in_one(bench: Any):
    """Two agents who merge in opposite directions at once get one contact, never a circle (L7)."""
    by_mail, by_phone, *_ = await _two(bench)
    answers = await asyncio.gather(_merge(bench, by_mail, by_phone), _merge(bench, by_phone, by_mail))
    homes = {(await bench.get(f"/v1/contacts/{one}"))["id"] for one in (by_mail, by_phone)}
    listed = await bench.get("/v1/contacts")

    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert len(homes) == 1
    assert [contact["id"] for contact in listed["items"]] == list(homes)


async def test_a_ring_of_merges_ends_in_one(bench: Any):
    """Three merges that would make a ring leave a contact who stands by itself, whoever wins (L7)."""
    events = [bench.inbox.mail(sender=f"c{number}@customer.example") for number in range(3)]
    ids = [await _contact_of(bench, entry.ticket_id) for entry in await bench.receive(*events)]
    pairs = zip(ids, (*ids[1:], ids[0]), strict=True)
    answers = await asyncio.gather(*(_merge(bench, source, target) for source, target in pairs))
    homes = {(await bench.get(f"/v1/contacts/{one}"))["id"] for one in ids}

    assert all(answer.status_code in {200, 409} for answer in answers)
    assert {contact["id"] for contact in (await bench.get("/v1/contacts"))["items"]} == homes


async def test_messages_during_a_merge_are_kept(bench: Any):
    """What arrives while contacts are merged and unmerged is in one ticket each, and known of one of them (I4, I5)."""
    by_mail, by_phone, *_ = await _two(bench)
    wanted = [_facts(bench, phone=MOBILE, custom={f"n{number}": number}) for number in range(20)]

    async def move() -> None:
        for _ in range(4):
            assert (await _merge(bench, by_phone, by_mail)).status_code == 200
            assert (await bench.do("POST", f"/v1/contacts/{by_phone}/unmerge")).status_code == 200

    async def report() -> None:
        for one in wanted:
            await bench.platform.bus.publish([one])

    await asyncio.gather(move(), report())

    async def all_known() -> bool:
        return len((await bench.get(f"/v1/contacts/{by_phone}"))["custom"]) == len(wanted)

    await eventually(all_known, seconds=15)

    assert (await bench.get(f"/v1/contacts/{by_mail}"))["custom"] == {}


async def test_the_same_merge_again_changes_nothing(bench: Any):
    """A merge repeated answers alike; an unmerge of what stands by itself is refused."""
    by_mail, by_phone, *_ = await _two(bench)
    first, again = await _merge(bench, by_phone, by_mail), await _merge(bench, by_phone, by_mail)
    await bench.do("POST", f"/v1/contacts/{by_phone}/unmerge")
    refused = await bench.do("POST", f"/v1/contacts/{by_phone}/unmerge")

    assert first.json() == again.json()
    assert (refused.status_code, refused.json()["code"]) == (409, "not_merged")


async def test_merges_that_cannot_be(bench: Any):
    """Itself, what was merged, and what is not there are refused, each with its code."""
    by_mail, by_phone, *_ = await _two(bench)
    [third] = await bench.receive(bench.inbox.mail(sender="dora@customer.example"))
    dora = await _contact_of(bench, third.ticket_id)
    await _merge(bench, by_phone, by_mail)
    pairs = ((dora, dora), (by_phone, dora), (dora, by_phone), (dora, "con_unknown"))
    refused = [await _merge(bench, source, target) for source, target in pairs]

    assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [
        (422, "merge_with_itself"),
        (409, "already_merged"),
        (409, "target_merged"),
        (404, "not_found"),
    ]
    assert [answer.json().get("merged_into") for answer in refused] == [None, by_mail, by_mail, None]


@pytest.mark.parametrize("action", ["merge", "unmerge"])
async def test_contacts_of_another_account_are_not_there(bench: Any, action: str):
    """Neither side of a merge can be another account's (S4)."""
    by_mail, by_phone, *_ = await _two(bench)
    stranger = await sign_in(bench.platform, account_id="acc_2", agent_id="agt_9")
    path = f"/v1/contacts/{by_phone}/{action}"
    answer = await bench.http.request("POST", path, json={"into": by_mail}, headers=stranger)

    assert answer.status_code == 404
