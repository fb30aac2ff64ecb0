"""Merging through the API, and what comes for a merged ticket afterwards (L7)."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from contracts.outbound import OutboundMessageRequested
from contracts.people import Actor
from contracts.tickets import TicketClosed, TicketMerged, TicketMessageAdded
from service_kit.testing.callers import api_key, sign_in
from service_kit.testing.eventually import eventually
from tickets.reshaping.merge import claimed
from tickets.ticket.model import TICKETS, MergeClaim


async def _mail(bench: Any, text: str = "Where is my order?", **given: Any) -> str:
    [entry] = await bench.receive(bench.inbox.mail(text, **given))
    return str(entry.ticket_id)


async def _merge(bench: Any, source: str, target: str, **body: Any) -> Any:
    return await bench.do("POST", f"/v1/tickets/{source}/merge", {"into": target, **body})


async def test_a_merge(bench: Any):
    """The source closes and tells where it went, the target shows both threads by time, and nobody is written to."""
    source = await _mail(bench, "first")
    bench.clock.advance(timedelta(minutes=1))
    target = await _mail(bench, "second", received_at=bench.clock.now())
    bench.clock.advance(timedelta(minutes=1))
    await bench.do("POST", f"/v1/tickets/{source}/notes", {"text": "a note"})
    answer = await _merge(bench, source, target)
    again = await _merge(bench, source, target)
    shown, other = answer.json(), await bench.get(f"/v1/tickets/{target}")
    [said, _] = await bench.hear(TicketMerged, count=2)

    assert (answer.status_code, shown["id"], shown["status"], shown["merged_into"]) == (200, source, "closed", target)
    assert (again.status_code, again.json()["version"]) == (200, shown["version"])
    assert (other["merged"], other["message_count"], other["status"]) == ([source], 3, "open")
    assert [text for _, text in await bench.thread(target)] == ["first", "second", "a note"]
    assert [text for _, text in await bench.thread(source)] == ["first", "a note"]
    assert (said.source_id, said.target_id, said.actor.id) == (source, target, "agt_1")
    assert {event.ticket_id for event in bench.heard(TicketMerged)} == {source, target}
    assert [event.cause for event in bench.heard(TicketClosed)] == ["merge"]
    assert bench.heard(OutboundMessageRequested) == []


async def test_refusals(bench: Any):
    """Itself, another account's, a merged one on either side, and another customer's: each has its code (L7)."""
    one, two, three = [await _mail(bench) for _ in range(3)]
    stranger = await _mail(bench, sender="dora@customer.example")
    await _merge(bench, one, two)
    refused = {
        "itself": await _merge(bench, two, two),
        "nobody's": await _merge(bench, two, "tic_unknown"),
        "elsewhere": await _merge(bench, one, three),
        "merged target": await _merge(bench, two, one),
        "stranger": await _merge(bench, two, stranger),
        "no target": await bench.do("POST", f"/v1/tickets/{two}/merge", {}),
    }
    elsewhere = refused["elsewhere"].json()

    assert {name: (answer.status_code, answer.json()["code"]) for name, answer in refused.items()} == {
        "itself": (422, "merge_with_itself"),
        "nobody's": (404, "not_found"),
        "elsewhere": (409, "already_merged"),
        "merged target": (409, "target_merged"),
        "stranger": (409, "contacts_differ"),
        "no target": (422, "invalid_request"),
    }
    assert elsewhere["merged_into"] == two
    assert (await _merge(bench, two, stranger, across_contacts=True)).status_code == 200


async def test_a_ticket_of_another_account(bench: Any):
    """What belongs to another account is not there, on either side of a merge (S4)."""
    mine = await _mail(bench)
    others = await sign_in(bench.platform, account_id="acc_2", agent_id="agt_9")
    foreign = await bench.do("POST", f"/v1/tickets/{mine}/merge", {"into": mine}, **others)

    assert (foreign.status_code, (await bench.get(f"/v1/tickets/{mine}"))["status"]) == (404, "open")


async def test_who_may_merge(bench: Any):
    """A key that may only read may not merge (S1)."""
    one, two = await _mail(bench), await _mail(bench)
    reader = await api_key(bench.platform, scopes={"tickets:read"})

    assert (await bench.do("POST", f"/v1/tickets/{one}/merge", {"into": two}, **reader)).status_code == 403


async def test_a_stale_merge(bench: Any):
    """With `If-Match` a source that changed meanwhile stays as it is, and both are free for another merge (L6, L7)."""
    one, two = await _mail(bench), await _mail(bench)
    version = (await bench.get(f"/v1/tickets/{one}"))["version"]
    await bench.do("PUT", f"/v1/tickets/{one}/tags", {"tags": ["late"]})
    stale = await bench.do("POST", f"/v1/tickets/{one}/merge", {"into": two}, **{"If-Match": str(version)})
    other_way = await _merge(bench, two, one)

    assert (stale.status_code, [event["type"] for event in stale.json()["missed"]]) == (
        412,
        ["support.ticket.tags_changed.v1"],
    )
    assert other_way.status_code == 200


async def test_a_merged_ticket_changes_no_more(bench: Any):
    """Whatever an agent does to a merged ticket is refused, and says where to go; closing and reading may be done."""
    source, target = await _mail(bench), await _mail(bench)
    await _merge(bench, source, target)
    path = f"/v1/tickets/{source}"
    refused = [
        await bench.do("POST", f"{path}/messages", {"text": "hello"}),
        await bench.do("POST", f"{path}/notes", {"text": "hello"}),
        await bench.do("POST", f"{path}/reopen"),
        await bench.do("PUT", f"{path}/assignee", {"agent_id": "agt_1"}),
        await bench.do("PUT", f"{path}/tags", {"tags": ["late"]}),
        await bench.do("POST", f"{path}/snooze", {"until": (bench.clock.now() + timedelta(hours=1)).isoformat()}),
    ]
    allowed = [await bench.do("POST", f"{path}/{what}") for what in ("close", "read", "unread")]

    assert {(answer.status_code, answer.json()["code"]) for answer in refused} == {(409, "ticket_merged")}
    assert {answer.json()["merged_into"] for answer in refused} == {target}
    assert {answer.status_code for answer in allowed} == {200}
    assert await bench.thread(source) == [("inbound", "Where is my order?")]


async def test_later_mail_goes_to_the_target(bench: Any):
    """A mail to the thread of the source joins the target, over several merges, and is answered from there (X2, L7)."""
    one, two, three = await _mail(bench, mail_id="a@c"), await _mail(bench), await _mail(bench)
    await _merge(bench, one, two)
    await _merge(bench, two, three)
    [entry] = await bench.receive(bench.inbox.mail("again", in_reply_to=["a@c"]))
    reply = await bench.do("POST", f"/v1/tickets/{three}/messages", {"text": "Here it is"})
    [sent] = await bench.hear(OutboundMessageRequested)
    shown = await bench.get(f"/v1/tickets/{three}")

    assert (entry.verdict, entry.ticket_id) == ("appended", three)
    assert (reply.status_code, sent.ticket_id, shown["message_count"]) == (201, three, 5)
    assert len(await bench.thread(three)) == 5


@pytest.mark.parametrize("older_into_newer", [True, False])
async def test_a_later_chat_goes_to_the_target(bench: Any, older_into_newer: bool):  # noqa: FBT001 - a case
    """Both conversations of a visitor lead to the one ticket, whose answer goes where the visitor wrote last (W2)."""
    [first] = await bench.receive(bench.inbox.chat("one", conversation="cnv_1"))
    [second] = await bench.receive(bench.inbox.chat("two", conversation="cnv_2"))
    pair = (first.ticket_id, second.ticket_id) if older_into_newer else (second.ticket_id, first.ticket_id)
    await _merge(bench, *pair)
    entries = [
        *await bench.receive(bench.inbox.chat("more", conversation="cnv_2", seq=2)),
        *await bench.receive(bench.inbox.chat("again", conversation="cnv_1", seq=2)),
    ]
    await bench.do("POST", f"/v1/tickets/{pair[1]}/messages", {"text": "Yes?"})
    [sent] = await bench.hear(OutboundMessageRequested)
    [told] = await bench.hear(TicketMessageAdded, conversation_id="cnv_1", ticket_id=pair[1], message_seq=3)

    assert [entry.ticket_id for entry in entries] == [pair[1], pair[1]]
    assert (sent.conversation_id, told.kind) == ("cnv_1", "inbound")


async def test_a_chat_after_its_merged_ticket_was_closed(bench: Any):
    """When the target is closed, each of its conversations goes on as the ticket that follows it up (W2, L7)."""
    [first] = await bench.receive(bench.inbox.chat("one", conversation="cnv_1"))
    [second] = await bench.receive(bench.inbox.chat("two", conversation="cnv_2"))
    await _merge(bench, second.ticket_id, first.ticket_id)
    await bench.do("POST", f"/v1/tickets/{first.ticket_id}/close")
    [created] = await bench.receive(bench.inbox.chat("three", conversation="cnv_2", seq=2))
    [joined] = await bench.receive(bench.inbox.chat("four", conversation="cnv_1", seq=2))
    [more] = await bench.receive(bench.inbox.chat("five", conversation="cnv_2", seq=3))
    follow_up = await bench.get(f"/v1/tickets/{created.ticket_id}")

    assert (created.verdict, follow_up["follow_up_of"]) == ("created", first.ticket_id)
    assert [entry.ticket_id for entry in (joined, more)] == [created.ticket_id] * 2


async def test_a_follow_up_merged_into_what_it_follows(bench: Any):
    """A ticket may be merged into the one it follows up: the thread leads there, and not in a circle (L7)."""
    [first] = await bench.receive(bench.inbox.chat("one"))
    await bench.do("POST", f"/v1/tickets/{first.ticket_id}/close")
    [second] = await bench.receive(bench.inbox.chat("two", seq=2))
    await bench.do("POST", f"/v1/tickets/{second.ticket_id}/close")
    merged = await _merge(bench, second.ticket_id, first.ticket_id)
    [third] = await bench.receive(bench.inbox.chat("three", seq=3))
    follow_up = await bench.get(f"/v1/tickets/{third.ticket_id}")

    assert merged.status_code == 200
    assert (third.verdict, follow_up["follow_up_of"]) == ("created", first.ticket_id)


async def test_another_channel_joins_and_is_answered_where_the_target_is(bench: Any):
    """An SMS for a ticket merged into a mail ticket joins it; the reply goes by mail, and no auto-response (L7, M6)."""
    [text] = await bench.receive(bench.inbox.sms("by SMS"))
    mail = await _mail(bench)
    await _merge(bench, text.ticket_id, mail, across_contacts=True)
    [later] = await bench.receive(bench.inbox.sms("more by SMS"))
    await bench.do("POST", f"/v1/tickets/{mail}/messages", {"text": "Here it is"})
    [sent] = await bench.hear(OutboundMessageRequested)

    assert later.ticket_id == mail
    assert (sent.channel, sent.recipient.email) == ("email", "carl@customer.example")


async def test_opposite_merges(bench: Any):
    """Two agents merge in opposite directions at once: one wins, the other is told, and nothing is lost (L7)."""
    for _ in range(5):
        one, two = await _mail(bench, "one"), await _mail(bench, "two")
        answers = await asyncio.gather(_merge(bench, one, two), _merge(bench, two, one))
        shown = [await bench.get(f"/v1/tickets/{ticket_id}") for ticket_id in (one, two)]
        [alive] = [ticket for ticket in shown if ticket["merged_into"] is None]

        assert sorted(answer.status_code for answer in answers) == [200, 409]
        assert alive["status"] == "open"
        assert sorted(text for _, text in await bench.thread(alive["id"])) == ["one", "two"]


async def test_a_circle_of_merges(bench: Any):
    """Three merges that would make a circle leave one ticket with every message (L7)."""
    ids = [await _mail(bench, text) for text in ("one", "two", "three")]
    answers = await asyncio.gather(*(_merge(bench, ids[n], ids[(n + 1) % 3]) for n in range(3)))
    shown = [await bench.get(f"/v1/tickets/{ticket_id}") for ticket_id in ids]
    alive = [ticket for ticket in shown if ticket["merged_into"] is None]
    texts = [text for ticket in alive for _, text in await bench.thread(ticket["id"])]

    assert {answer.status_code for answer in answers} <= {200, 409}
    assert [answer.status_code for answer in answers].count(200) == 3 - len(alive)
    assert sorted(texts) == ["one", "three", "two"]


async def test_messages_during_a_merge(bench: Any):
    """Customers who write while their tickets are merged are heard, once each, in the thread that is left (I4, L7)."""
    one, two = await _mail(bench, "one", mail_id="1@c"), await _mail(bench, "two", mail_id="2@c")
    mails = [bench.inbox.mail(f"mail {n}", in_reply_to=[f"{n % 2 + 1}@c"]) for n in range(20)]
    received = asyncio.create_task(bench.receive(*mails))
    await _merge(bench, one, two)
    entries = await received
    thread = await bench.thread(two)

    assert {entry.verdict for entry in entries} == {"appended"}
    assert sorted(text for _, text in thread) == sorted(["one", "two", *(f"mail {n}" for n in range(20))])
    assert (await bench.get(f"/v1/tickets/{two}"))["message_count"] == len(thread)


async def test_a_merged_thread_in_pages(bench: Any):
    """The pages of a merged thread go back in time over both, with files of either; a foreign cursor is refused."""
    one = await _mail(bench, "0", mail_id="1@c")
    bench.clock.advance(timedelta(minutes=1))
    two = await _mail(bench, "1", received_at=bench.clock.now())
    bench.clock.advance(timedelta(minutes=1))
    await bench.receive(bench.inbox.mail("2", in_reply_to=["1@c"], received_at=bench.clock.now()))
    await _merge(bench, one, two)
    path = f"/v1/tickets/{two}/messages"
    newest = await bench.get(path, limit=2)
    older = await bench.get(path, limit=2, cursor=newest["next_cursor"])
    refused = await bench.do("GET", f"{path}?cursor=nonsense")

    assert [message["text"] for message in newest["items"]] == ["1", "2"]
    assert [message["ticket_id"] for message in newest["items"]] == [two, one]
    assert ([message["text"] for message in older["items"]], older["next_cursor"]) == (["0"], None)
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_cursor")


async def test_a_merge_makes_the_words_of_both_findable(bench: Any):
    """What was said in the source finds the target (V4)."""
    one, two = await _mail(bench, "a broken kettle"), await _mail(bench, "another matter")
    await _merge(bench, one, two)

    assert two in {ticket["id"] for ticket in await bench.tickets(status="open", q="kettle")}


async def test_a_merge_that_nobody_finished(bench: Any):
    """Whatever was claimed and left is finished by the timer (L7)."""
    from_id, into_id = await _mail(bench), await _mail(bench)
    first, second = sorted((from_id, into_id))
    await _leave_a_claim(bench, first, from_id, into_id)
    bench.clock.advance(timedelta(seconds=6))

    async def is_done() -> bool:
        shown = await bench.get(f"/v1/tickets/{into_id}")
        return bool(shown["merged"] == [from_id])

    await eventually(is_done, seconds=15)

    assert (await bench.get(f"/v1/tickets/{from_id}"))["merged_into"] == into_id
    assert second in {from_id, into_id}


async def _leave_a_claim(bench: Any, ticket_id: str, source_id: str, target_id: str) -> None:
    """As a replica leaves it that dies after its first claim."""
    tickets = bench.platform.store.collection(TICKETS)
    actor = Actor(kind="agent", id="agt_1")
    claim = MergeClaim(source_id=source_id, target_id=target_id, actor=actor, at=bench.clock.now())

    async def is_claimed() -> bool:
        ticket = await tickets.get(ticket_id)
        assert ticket is not None
        [fate] = await tickets.replace_many([claimed(ticket, claim, bench.clock.now())])
        return str(fate) == "done"

    await eventually(is_claimed, seconds=5)
