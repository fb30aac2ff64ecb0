"""Splitting through the API, and what comes for the messages that moved (L7)."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from contracts.deliveries import DeliveryUpdated
from contracts.ids import new_id
from contracts.outbound import OutboundMessageRequested
from contracts.people import Actor
from contracts.tickets import TicketCreated, TicketMessageAdded, TicketSplit
from service_kit.testing.callers import api_key
from service_kit.testing.eventually import eventually
from tickets.reshaping.split import finished, intended
from tickets.ticket.model import TICKETS, SplitIntent


async def _thread(bench: Any, *texts: str) -> tuple[str, dict[str, str]]:
    """A ticket with these mails; its id, and the id of each message by its text."""
    mails = [bench.inbox.mail(texts[0], mail_id=f"{texts[0]}@c")]
    mails += [bench.inbox.mail(text, mail_id=f"{text}@c", in_reply_to=[f"{texts[0]}@c"]) for text in texts[1:]]
    entries = await bench.receive(*mails)
    page = await bench.get(f"/v1/tickets/{entries[0].ticket_id}/messages")
    return str(entries[0].ticket_id), {message["text"]: message["id"] for message in page["items"]}


async def _split(bench: Any, ticket_id: str, *message_ids: str, **given: Any) -> Any:
    headers = given.pop("headers", {})
    body = {"message_ids": list(message_ids), **given}
    return await bench.do("POST", f"/v1/tickets/{ticket_id}/split", body, **headers)


async def test_a_split(bench: Any):
    """Chosen messages go to a new, open ticket of the same customer; each side links to the other and says so."""
    source, ids = await _thread(bench, "one", "two", "three")
    answer = await _split(bench, source, ids["three"], ids["two"], subject="Something else")
    new, old = answer.json(), await bench.get(f"/v1/tickets/{source}")
    await bench.hear(TicketSplit, count=2)
    [created] = bench.heard(TicketCreated, ticket_id=new["id"])
    newest = (await bench.get(f"/v1/tickets/{new['id']}/messages"))["items"]

    assert (answer.status_code, new["status"], new["subject"]) == (201, "open", "Something else")
    assert (new["contact"], new["number"] > old["number"]) == (old["contact"], True)
    assert (new["follow_up_of"], old["followed_by"]) == (source, [new["id"]])
    assert [(message["seq"], message["text"]) for message in newest] == [(1, "two"), (2, "three")]
    assert await bench.thread(source) == [("inbound", "one")]
    assert (new["message_count"], old["message_count"]) == (2, 1)
    assert (created.cause, created.actor.id, created.follow_up_of) == ("split", "agt_1", source)
    assert {event.ticket_id for event in bench.heard(TicketSplit)} == {source, new["id"]}
    assert len(bench.heard(TicketMessageAdded)) == 3
    assert bench.heard(OutboundMessageRequested) == []


async def test_mail_follows_its_message(bench: Any):
    """What answers a moved mail joins the new ticket, and the rest the old one (X2)."""
    source, ids = await _thread(bench, "one", "two")
    new = (await _split(bench, source, ids["two"])).json()["id"]
    [to_new] = await bench.receive(bench.inbox.mail("more", in_reply_to=["two@c"]))
    [to_old] = await bench.receive(bench.inbox.mail("again", in_reply_to=["one@c"]))

    assert (to_new.ticket_id, to_old.ticket_id) == (new, source)
    assert [text for _, text in await bench.thread(new)] == ["two", "more"]
    assert [text for _, text in await bench.thread(source)] == ["one", "again"]


async def test_a_moved_reply_is_still_delivered(bench: Any):
    """What became of a reply is shown where the reply is now (M11)."""
    source, _ = await _thread(bench, "one")
    reply = (await bench.do("POST", f"/v1/tickets/{source}/messages", {"text": "Here"})).json()["id"]
    await bench.hear(OutboundMessageRequested)
    new = (await _split(bench, source, reply)).json()["id"]
    report = DeliveryUpdated(
        id=new_id("evt"),
        account_id="acc_1",
        time=bench.clock.now(),
        subject_id=source,
        delivery_id="dlv_1",
        ticket_id=source,
        message_id=reply,
        channel="email",
        state="delivered",
    )
    await bench.platform.bus.publish([report])

    async def state() -> bool:
        [shown] = (await bench.get(f"/v1/tickets/{new}/messages"))["items"]
        return bool(shown["delivery"]["state"] == "delivered")

    assert await eventually(state, seconds=15)


async def test_splits_that_are_refused(bench: Any):
    """Foreign messages, all of them, none, a stale version and a merged ticket are each refused; nothing moves."""
    source, ids = await _thread(bench, "one", "two")
    other, foreign = await _thread(bench, "three")
    reader = await api_key(bench.platform, scopes={"tickets:read"})
    refused = [
        await _split(bench, source, foreign["three"]),
        await _split(bench, source, "msg_unknown"),
        await _split(bench, source, *ids.values()),
        await _split(bench, source),
        await _split(bench, source, ids["two"], subject=" "),
        await _split(bench, source, ids["two"], headers={"If-Match": "99"}),
        await _split(bench, "tic_unknown", ids["two"]),
        await _split(bench, source, ids["two"], headers=reader),
    ]
    await bench.do("POST", f"/v1/tickets/{source}/merge", {"into": other})
    refused.append(await _split(bench, source, ids["two"]))

    assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [
        (422, "unknown_message"),
        (422, "unknown_message"),
        (422, "nothing_left"),
        (422, "invalid_request"),
        (422, "invalid_request"),
        (412, "stale"),
        (404, "not_found"),
        (403, "forbidden"),
        (409, "ticket_merged"),
    ]
    assert len(await bench.tickets()) == 2


async def test_a_merge_taken_apart(bench: Any):
    """Messages that came by a merge may be split off again (L7)."""
    one, first = await _thread(bench, "one")
    two, _ = await _thread(bench, "two")
    await bench.do("POST", f"/v1/tickets/{one}/merge", {"into": two})
    answer = await _split(bench, two, first["one"])
    shown = await bench.get(f"/v1/tickets/{two}")

    assert (answer.status_code, shown["message_count"]) == (201, 1)
    assert [text for _, text in await bench.thread(two)] == ["two"]
    assert [text for _, text in await bench.thread(answer.json()["id"])] == ["one"]


async def test_the_same_split_again(bench: Any):
    """The same request with its key is done once; of two agents who want the same message, one gets it."""
    source, ids = await _thread(bench, "one", "two", "three")
    key = {"Idempotency-Key": "once"}
    twice = [(await _split(bench, source, ids["two"], headers=key)).json()["id"] for _ in range(2)]
    answers = await asyncio.gather(*(_split(bench, source, ids["three"]) for _ in range(2)))
    shown = await bench.get(f"/v1/tickets/{source}")

    assert twice[0] == twice[1]
    assert sorted(answer.status_code for answer in answers) == [201, 422]
    assert (shown["message_count"], len(shown["followed_by"])) == (1, 2)


async def test_a_split_that_nobody_finished(bench: Any):
    """What was intended and left is finished by the timer (L7)."""
    source, ids = await _thread(bench, "one", "two")
    tickets = bench.platform.store.collection(TICKETS)
    actor = Actor(kind="agent", id="agt_1")
    intent = SplitIntent(
        ticket_id="tic_new",
        number=99,
        subject="New",
        message_ids=(ids["two"],),
        actor=actor,
        at=bench.clock.now(),
    )

    async def is_held() -> bool:
        ticket = await tickets.get(source)
        assert ticket is not None
        [fate] = await tickets.replace_many([intended(ticket, intent, bench.clock.now())])
        return str(fate) == "done"

    await eventually(is_held, seconds=5)
    bench.clock.advance(timedelta(seconds=6))

    async def is_done() -> bool:
        return bool((await bench.get(f"/v1/tickets/{source}"))["followed_by"] == ["tic_new"])

    await eventually(is_done, seconds=15)

    assert [text for _, text in await bench.thread("tic_new")] == ["two"]
    assert (await bench.get(f"/v1/tickets/{source}"))["message_count"] == 1


async def test_chats_that_follow_each_other_are_linked_on_both(bench: Any):
    """A chat after a closed one shows what it follows, and the closed one what follows it (W2, L7)."""
    [first] = await bench.receive(bench.inbox.chat("one", conversation="cnv_1"))
    await bench.do("POST", f"/v1/tickets/{first.ticket_id}/close")
    [second] = await bench.receive(bench.inbox.chat("two", conversation="cnv_2", follow_up_of="cnv_1"))
    old, new = [await bench.get(f"/v1/tickets/{entry.ticket_id}") for entry in (first, second)]

    assert (new["follow_up_of"], old["followed_by"]) == (old["id"], [new["id"]])


@pytest.mark.parametrize("again", [False, True])
def test_finishing_a_split_twice(make_ticket: Any, *, again: bool) -> None:
    """The source says once that it was split (L5)."""
    now = make_ticket().created_at
    actor = Actor(kind="agent", id="agt_1")
    intent = SplitIntent(ticket_id="tic_2", number=2, subject="x", message_ids=("msg_1",), actor=actor, at=now)
    done = finished(intended(make_ticket(next_seq=3), intent, now), intent, now)
    done = finished(done, intent, now) if again else done

    assert (done.message_count, done.followed_by, done.due, len(done.outbox)) == (1, ("tic_2",), (), 1)
