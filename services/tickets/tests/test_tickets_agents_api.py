from datetime import timedelta
from typing import Any

import pytest

from contracts.settings import TicketSettings
from contracts.tickets import (
    TicketAssigned,
    TicketClosed,
    TicketReopened,
    TicketSnoozed,
    TicketTagsChanged,
    TicketUnassigned,
    TicketUnsnoozed,
)
from service_kit.docstore import Cmp
from service_kit.http.idempotency_records import IDEMPOTENCY_KEYS
from service_kit.testing.callers import api_key, sign_in


async def _open_ticket(bench: Any) -> str:
    [entry] = await bench.receive(bench.inbox.mail())
    return str(entry.ticket_id)


async def test_views(bench: Any):
    """Mine, unassigned and all show open tickets by their assignment; counts agree (V1)."""
    mine, free, closed = [await _open_ticket(bench) for _ in range(3)]
    await bench.do("PUT", f"/v1/tickets/{mine}/assignee", {"agent_id": "agt_1"})
    await bench.do("POST", f"/v1/tickets/{closed}/close")
    seen = {
        view: {ticket["id"] for ticket in (await bench.get("/v1/tickets", view=view))["items"]}
        for view in ("mine", "unassigned", "all")
    }
    counts = await bench.get("/v1/tickets/counts")

    assert seen == {"mine": {mine}, "unassigned": {free}, "all": {mine, free}}
    assert [counts[view]["count"] for view in ("mine", "unassigned", "all")] == [1, 1, 2]


async def test_filters(bench: Any):
    """Lists narrow by status, assignee, team, channel, tag and words (V1, V4)."""
    mail = await _open_ticket(bench)
    [entry] = await bench.receive(bench.inbox.sms("My parcel is damaged"))
    sms = str(entry.ticket_id)
    await bench.do("PUT", f"/v1/tickets/{sms}/tags", {"tags": ["vip", "late"]})
    await bench.do("PUT", f"/v1/tickets/{mail}/assignee", {"agent_id": "agt_2", "team_id": "tea_1"})
    queries: dict[str, dict[str, str]] = {
        "channel": {"channel": "sms"},
        "tag": {"tag": "vip"},
        "word of a message": {"q": "damag"},
        "number of the customer": {"q": "+33 6 12 34 56 78"},
        "assignee": {"assignee": "agt_2"},
        "team": {"team": "tea_1"},
        "address": {"q": "carl@customer.example"},
        "closed": {"status": "closed"},
    }
    found = {
        name: [ticket["id"] for ticket in await bench.tickets(**{"status": "open", **query})]
        for name, query in queries.items()
    }

    assert found == {
        "channel": [sms],
        "tag": [sms],
        "word of a message": [sms],
        "number of the customer": [sms],
        "assignee": [mail],
        "team": [mail],
        "address": [mail],
        "closed": [],
    }


async def test_pages(bench: Any):
    """A list comes in pages, without a gap or a repetition, in either order (V1)."""
    for minute in range(5):
        bench.clock.advance(timedelta(minutes=minute))
        await _open_ticket(bench)
    for sort, numbers in {"-updated_at": [5, 4, 3, 2, 1], "updated_at": [1, 2, 3, 4, 5]}.items():
        seen: list[int] = []
        cursor: dict[str, str] = {}
        while True:
            page = await bench.get("/v1/tickets", sort=sort, limit=2, **cursor)
            seen += [ticket["number"] for ticket in page["items"]]
            if page["next_cursor"] is None:
                break
            cursor = {"cursor": page["next_cursor"]}

        assert seen == numbers


async def test_foreign_cursor(bench: Any):
    """A cursor that this list did not hand out is refused."""
    answer = await bench.do("GET", "/v1/tickets?cursor=nonsense")

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor")


async def test_thread_in_pages(bench: Any):
    """A page of messages is the newest, oldest first; the cursor leads further back (V3)."""
    entries = await bench.receive(*(bench.inbox.sms(str(number)) for number in range(5)))
    path = f"/v1/tickets/{entries[0].ticket_id}/messages"
    newest = await bench.get(path, limit=3)
    older = await bench.get(path, limit=3, cursor=newest["next_cursor"])

    assert [message["text"] for message in newest["items"]] == ["2", "3", "4"]
    assert [message["text"] for message in older["items"]] == ["0", "1"]
    assert older["next_cursor"] is None


async def test_closing_and_reopening(bench: Any):
    """Closing takes a ticket out of the inbox, reopening begins a cycle; closing twice is closing once (L3, L5)."""
    ticket_id = await _open_ticket(bench)
    closed = (await bench.do("POST", f"/v1/tickets/{ticket_id}/close")).json()
    again = (await bench.do("POST", f"/v1/tickets/{ticket_id}/close")).json()
    reopened = (await bench.do("POST", f"/v1/tickets/{ticket_id}/reopen")).json()
    [event] = await bench.hear(TicketClosed)
    await bench.hear(TicketReopened)

    assert (closed["status"], again["version"]) == ("closed", closed["version"])
    assert (reopened["status"], reopened["cycle"]) == ("open", 2)
    assert (event.actor.id, event.cause) == ("agt_1", "agent")
    assert len(bench.heard(TicketClosed)) == 1


async def test_status_page_forbids_reopening_by_hand(bench: Any):
    """The preset `status_page` forbids reopening by hand (L3)."""
    await bench.set("tickets", TicketSettings(reopen_preset="status_page"))
    ticket_id = await _open_ticket(bench)
    await bench.do("POST", f"/v1/tickets/{ticket_id}/close")
    answer = await bench.do("POST", f"/v1/tickets/{ticket_id}/reopen")

    assert (answer.status_code, answer.json()["code"]) == (409, "reopen_forbidden")


async def test_snooze_ends_by_its_timer(bench: Any):
    """A snoozed ticket is hidden until its time, then back in the inbox it was in, though late (L2)."""
    ticket_id = await _open_ticket(bench)
    await bench.do("PUT", f"/v1/tickets/{ticket_id}/assignee", {"agent_id": "agt_1"})
    until = bench.clock.now() + timedelta(hours=4)
    snoozed = (await bench.do("POST", f"/v1/tickets/{ticket_id}/snooze", {"until": until.isoformat()})).json()
    hidden = (await bench.get("/v1/tickets/counts"))["mine"]["count"]
    await bench.hear(TicketSnoozed)
    bench.clock.advance(timedelta(days=10))
    [event] = await bench.hear(TicketUnsnoozed)
    ticket = await bench.get(f"/v1/tickets/{ticket_id}")

    assert (snoozed["status"], hidden) == ("snoozed", 0)
    assert (event.cause, event.actor.kind) == ("timer", "system")
    assert (ticket["status"], ticket["snoozed_until"]) == ("open", None)
    assert (await bench.get("/v1/tickets/counts"))["mine"]["count"] == 1


async def test_a_snooze_is_ended_by_hand(bench: Any):
    """An agent can bring a snoozed ticket back, a chat too: that is no new cycle (L2)."""
    [entry] = await bench.receive(bench.inbox.chat())
    until = (bench.clock.now() + timedelta(hours=4)).isoformat()
    await bench.do("POST", f"/v1/tickets/{entry.ticket_id}/snooze", {"until": until})
    ticket = (await bench.do("POST", f"/v1/tickets/{entry.ticket_id}/reopen")).json()
    [event] = await bench.hear(TicketUnsnoozed)

    assert (ticket["status"], ticket["cycle"], event.cause) == ("open", 1, "agent")


async def test_a_customer_wakes_a_snoozed_ticket(bench: Any):
    """A customer's message ends the snooze, and the timer does nothing more (L2)."""
    [entry] = await bench.receive(bench.inbox.sms("Hi"))
    until = bench.clock.now() + timedelta(hours=4)
    await bench.do("POST", f"/v1/tickets/{entry.ticket_id}/snooze", {"until": until.isoformat()})
    [woken] = await bench.receive(bench.inbox.sms("Now!"))
    [event] = await bench.hear(TicketUnsnoozed)
    bench.clock.advance(timedelta(hours=5))
    await bench.receive(bench.inbox.sms("Still there?"))

    assert (woken.verdict, event.cause) == ("appended", "customer_reply")
    assert len(bench.heard(TicketUnsnoozed)) == 1


@pytest.mark.parametrize(("state", "until", "code"), [("open", -1, "snooze_in_past"), ("closed", 1, "ticket_closed")])
async def test_a_snooze_that_makes_no_sense(bench: Any, state: str, until: int, code: str):
    """Nobody snoozes into the past, or a closed ticket (L2)."""
    ticket_id = await _open_ticket(bench)
    if state == "closed":
        await bench.do("POST", f"/v1/tickets/{ticket_id}/close")
    moment = bench.clock.now() + timedelta(hours=until)
    answer = await bench.do("POST", f"/v1/tickets/{ticket_id}/snooze", {"until": moment.isoformat()})

    assert answer.json()["code"] == code


async def test_assigning_by_hand(bench: Any):
    """One can be given to an agent, to another, and back to nobody; each is told (A8)."""
    ticket_id = await _open_ticket(bench)
    path = f"/v1/tickets/{ticket_id}/assignee"
    ann = (await bench.do("PUT", path, {"agent_id": "agt_1"})).json()
    ben = (await bench.do("PUT", path, {"agent_id": "agt_2", "team_id": "tea_1"})).json()
    nobody = (await bench.do("PUT", path, {"agent_id": None})).json()
    assigned = await bench.hear(TicketAssigned, count=2)
    [unassigned] = await bench.hear(TicketUnassigned)

    assert (ann["assignee"], ann["team"]) == ({"id": "agt_1", "name": "Ann"}, None)
    assert (ben["assignee"]["name"], ben["team"]) == ("Ben", {"id": "tea_1", "name": "Billing"})
    assert (nobody["assignee"], nobody["team"]["id"]) == (None, "tea_1")
    assert [event.previous_assignee_id for event in assigned] == [None, "agt_1"]
    assert (unassigned.previous_assignee_id, unassigned.ticket.held) == ("agt_2", True)
    assert assigned[0].ticket.assignment_epoch < unassigned.ticket.assignment_epoch


async def test_assigning_to_nobody_known(bench: Any):
    """Agents and teams of nowhere are refused (A8)."""
    ticket_id = await _open_ticket(bench)
    choices: list[dict[str, Any]] = [{"agent_id": "agt_9"}, {"agent_id": None, "team_id": "tea_9"}, {}]
    answers = [await bench.do("PUT", f"/v1/tickets/{ticket_id}/assignee", choice) for choice in choices]

    assert {answer.status_code for answer in answers} == {422}
    assert [answer.json()["code"] for answer in answers] == ["unknown_agent", "unknown_team", "invalid_request"]


async def test_tags(bench: Any):
    """Tags are set whole; what was added and removed is told once (L8)."""
    ticket_id = await _open_ticket(bench)
    for tags in (["a", "b", "a"], ["b", "c"], ["b", "c"]):
        ticket = (await bench.do("PUT", f"/v1/tickets/{ticket_id}/tags", {"tags": tags})).json()
    events = await bench.hear(TicketTagsChanged, count=2)

    assert ticket["tags"] == ["b", "c"]
    assert [(event.added, event.removed) for event in events] == [(("a", "b"), ()), (("c",), ("a",))]


async def test_a_stale_reply_is_refused_with_what_was_missed(bench: Any):
    """A reply to a version that is over is refused and says what happened since, unless forced (L6)."""
    [entry] = await bench.receive(bench.inbox.sms("Hi"))
    await bench.consents(transactional=True)
    path = f"/v1/tickets/{entry.ticket_id}"
    version = (await bench.get(path))["version"]
    await bench.receive(bench.inbox.sms("I mean: hello"))
    refused = await bench.do("POST", f"{path}/messages", {"text": "Hi!"}, **{"If-Match": f'"{version}"'})
    forced = await bench.do("POST", f"{path}/messages?force=true", {"text": "Hi!"}, **{"If-Match": str(version)})
    missed = refused.json()["missed"]

    assert (refused.status_code, refused.json()["code"]) == (412, "stale")
    assert [event["type"] for event in missed] == ["support.ticket.message_added.v1"]
    assert refused.json()["version"] == version + 1
    assert forced.status_code == 201
    assert await bench.thread(entry.ticket_id) == [("inbound", "Hi"), ("inbound", "I mean: hello"), ("outbound", "Hi!")]


@pytest.mark.parametrize(
    ("method", "action", "body"),
    [
        ("PUT", "assignee", {"agent_id": "agt_1"}),
        ("PUT", "tags", {"tags": ["a"]}),
        ("POST", "close", None),
        ("POST", "snooze", {"until": "2030-01-01T00:00:00Z"}),
        ("POST", "notes", {"text": "Look"}),
    ],
)
async def test_every_change_takes_if_match(bench: Any, method: str, action: str, body: Any):
    """Each change is refused on a stale version and done on the right one (L6)."""
    ticket_id = await _open_ticket(bench)
    version = (await bench.get(f"/v1/tickets/{ticket_id}"))["version"]
    path = f"/v1/tickets/{ticket_id}/{action}"
    stale = await bench.do(method, path, body, **{"If-Match": str(version + 7)})
    fresh = await bench.do(method, path, body, **{"If-Match": f'"{version}"'})

    assert stale.status_code == 412
    assert fresh.is_success


async def test_unread(bench: Any):
    """A ticket is unread per agent until they read it, write in it, or again when the customer writes (V2)."""
    [entry] = await bench.receive(bench.inbox.sms("Hi"))
    await bench.consents(transactional=True)
    path = f"/v1/tickets/{entry.ticket_id}"
    ben = await bench.as_agent("agt_2")
    seen = [(await bench.get(path))["unread"]]
    seen.append((await bench.do("POST", f"{path}/read")).json()["unread"])
    of_ben = (await bench.http.get(path, headers=ben)).json()["unread"]
    counts = await bench.get("/v1/tickets/counts")
    seen.append((await bench.do("POST", f"{path}/unread")).json()["unread"])
    await bench.do("POST", f"{path}/messages", {"text": "Hello"})
    seen.append((await bench.get(path))["unread"])
    await bench.receive(bench.inbox.sms("More"))
    seen.append((await bench.get(path))["unread"])

    assert seen == [True, False, True, False, True]
    assert (of_ben, counts["unread"]["count"]) == (True, 0)
    assert (await bench.get("/v1/tickets/counts"))["unread"] == {"count": 1, "more": False}


async def test_reading_changes_no_version(bench: Any):
    """Reading says nothing about the ticket: its version and place in the list stay (V2, L6)."""
    ticket_id = await _open_ticket(bench)
    before = await bench.get(f"/v1/tickets/{ticket_id}")
    bench.clock.advance(timedelta(hours=1))
    after = (await bench.do("POST", f"/v1/tickets/{ticket_id}/read")).json()

    assert (after["version"], after["updated_at"]) == (before["version"], before["updated_at"])


async def test_the_unread_badge_can_be_switched_off(bench: Any):
    """Without the badge no unread count is given (V2)."""
    await bench.set("tickets", TicketSettings(unread_badge=False))

    assert (await bench.get("/v1/tickets/counts"))["unread"] is None


async def test_bulk_answers_per_ticket(bench: Any):
    """One action on many succeeds or fails ticket by ticket (L8)."""
    first, second = await _open_ticket(bench), await _open_ticket(bench)
    tagged = await bench.do("POST", "/v1/tickets/bulk", {"ids": [first, "tic_9"], "action": "tags", "tags": ["vip"]})
    given = {"ids": [first, second], "action": "assign", "agent_id": "agt_2"}
    assigned = await bench.do("POST", "/v1/tickets/bulk", given)
    unknown = await bench.do("POST", "/v1/tickets/bulk", {**given, "agent_id": "agt_9"})
    closed = await bench.do("POST", "/v1/tickets/bulk", {"ids": [first, second], "action": "close"})
    tickets = await bench.tickets()

    assert [result["ok"] for result in tagged.json()["results"]] == [True, False]
    assert tagged.json()["results"][1]["code"] == "not_found"
    assert {result["code"] for result in unknown.json()["results"]} == {"unknown_agent"}
    assert assigned.status_code == closed.status_code == 200
    assert [(ticket["status"], ticket["assignee"]["id"]) for ticket in tickets] == [("closed", "agt_2")] * 2
    assert tickets[0]["tags"] == ["vip"]


async def test_another_account_sees_nothing(bench: Any):
    """What belongs to another account is not found, and never listed (S4)."""
    ticket_id = await _open_ticket(bench)
    contact_id = (await bench.get(f"/v1/tickets/{ticket_id}"))["contact"]["id"]
    stranger = await sign_in(bench.platform, account_id="acc_2", agent_id="agt_9")
    paths = [
        ("GET", f"/v1/tickets/{ticket_id}"),
        ("GET", f"/v1/tickets/{ticket_id}/messages"),
        ("GET", f"/v1/tickets/{ticket_id}/events"),
        ("GET", f"/v1/contacts/{contact_id}"),
        ("GET", f"/v1/contacts/{contact_id}/events"),
        ("POST", f"/v1/tickets/{ticket_id}/close"),
        ("POST", f"/v1/tickets/{ticket_id}/read"),
    ]
    answers = [(await bench.http.request(method, path, headers=stranger)).status_code for method, path in paths]
    lists = [
        (await bench.http.get(path, headers=stranger)).json()["items"]
        for path in ("/v1/tickets?status=any", "/v1/intake", "/v1/contacts", "/v1/tickets?q=order")
    ]

    assert set(answers) == {404}
    assert lists == [[], [], [], []]


async def test_reading_needs_a_permission(bench: Any):
    """A key without the scope can neither read nor write tickets (S1, S2)."""
    ticket_id = await _open_ticket(bench)
    reader = await api_key(bench.platform, scopes=["tickets:read"])
    nobody = await api_key(bench.platform, scopes=["events:write"])
    answers = [
        (await bench.http.get("/v1/tickets", headers=nobody)).status_code,
        (await bench.http.post(f"/v1/tickets/{ticket_id}/close", headers=reader)).status_code,
        (await bench.http.get("/v1/tickets?view=mine", headers=reader)).json()["code"],
        (await bench.http.get("/v1/tickets", headers=reader)).status_code,
    ]

    assert answers == [403, 403, "agent_needed", 200]


async def test_a_reply_with_a_file(bench: Any):
    """A file that an agent attaches is in the thread and can be fetched, never to be shown inline (S4)."""
    ticket_id = await _open_ticket(bench)
    file = {"name": "bill é.pdf", "content_type": "text/html", "content": "PGI+aGk8L2I+"}
    answer = await bench.do("POST", f"/v1/tickets/{ticket_id}/messages", {"text": "See", "attachments": [file]})
    [shown] = answer.json()["attachments"]
    fetched = await bench.http.get(f"/v1/tickets/{ticket_id}/messages/{answer.json()['id']}/attachments/{shown['id']}")
    broken = {"text": "See", "attachments": [{**file, "content": "not base64!"}]}
    refused = await bench.do("POST", f"/v1/tickets/{ticket_id}/messages", broken)

    assert (shown["name"], shown["size"]) == ("bill é.pdf", 9)
    assert fetched.content == b"<b>hi</b>"
    assert fetched.headers["content-disposition"] == "attachment; filename*=UTF-8''bill%20%C3%A9.pdf"
    assert fetched.headers["x-content-type-options"] == "nosniff"
    assert refused.status_code == 422


async def test_a_reply_repeated_after_a_crash(bench: Any):
    """A reply carried out again, because a crash lost the record of its answer, is one reply (I8)."""
    ticket_id = await _open_ticket(bench)
    version = (await bench.get(f"/v1/tickets/{ticket_id}"))["version"]
    headers = {"Idempotency-Key": "key-1", "If-Match": str(version)}
    path, body = f"/v1/tickets/{ticket_id}/messages", {"text": "On its way"}
    first = await bench.do("POST", path, body, **headers)
    records = bench.platform.store.collection(IDEMPOTENCY_KEYS)
    await records.delete_many((await records.find(Cmp("expires_at", ">", bench.clock.now()))).items)
    second = await bench.do("POST", path, body, **headers)

    assert first.status_code == second.status_code == 201
    assert first.json()["id"] == second.json()["id"]
    assert [text for _, text in await bench.thread(ticket_id)] == ["Where is my order?", "On its way"]


async def test_a_reply_repeated_after_its_chat_was_closed(bench: Any):
    """A reply that was taken stays taken: repeated after a crash it is not refused for what happened since (I8)."""
    [entry] = await bench.receive(bench.inbox.chat())
    path, body = f"/v1/tickets/{entry.ticket_id}/messages", {"text": "On its way"}
    first = await bench.do("POST", path, body, **{"Idempotency-Key": "key-1"})
    await bench.do("POST", f"/v1/tickets/{entry.ticket_id}/close")
    records = bench.platform.store.collection(IDEMPOTENCY_KEYS)
    await records.delete_many((await records.find(Cmp("expires_at", ">", bench.clock.now()))).items)
    second = await bench.do("POST", path, body, **{"Idempotency-Key": "key-1"})
    another = await bench.do("POST", path, body, **{"Idempotency-Key": "key-2"})

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] == second.json()["id"]
    assert (another.status_code, another.json()["code"]) == (409, "conversation_closed")
