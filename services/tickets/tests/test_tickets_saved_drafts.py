"""What agents have begun to write: kept, theirs alone, gone once sent (L6)."""

import asyncio
from datetime import timedelta
from typing import Any

from service_kit.docstore import Eq
from service_kit.testing.callers import api_key, sign_in
from tickets.writing.saved_draft_store import SavedDraftStore
from tickets.writing.saved_drafts import DRAFTS_PER_AGENT, SAVED_DRAFTS, SavedDraft, draft_id


async def _open_ticket(bench: Any) -> str:
    [entry] = await bench.receive(bench.inbox.mail())
    return str(entry.ticket_id)


async def test_a_draft_is_kept_and_found_again(bench: Any) -> None:
    """The one draft of a ticket has what was written last, a version, and what its writer had seen."""
    ticket_id = await _open_ticket(bench)
    path = f"/v1/tickets/{ticket_id}/draft"
    first = (await bench.do("PUT", path, {"text": "Dear"})).json()
    same = (await bench.do("PUT", path, {"text": "Dear"})).json()
    second = (await bench.do("PUT", path, {"text": "Dear Carl", "html": "<p>Dear Carl</p>", "base_seq": 1})).json()
    newest = (await bench.get(f"/v1/tickets/{ticket_id}/events"))["items"][-1]["seq"]

    assert await bench.get(path) == second
    assert (first["kind"], first["base_seq"], first["version"], same) == ("reply", newest, 1, first)
    assert (second["text"], second["html"], second["base_seq"]) == ("Dear Carl", "<p>Dear Carl</p>", 1)
    assert second["version"] == 2


async def test_drafts_are_seen_by_their_writer_only(bench: Any) -> None:
    """Neither a colleague, nor a key that acts for nobody, nor another account sees one; it is in no thread."""
    ticket_id = await _open_ticket(bench)
    path = f"/v1/tickets/{ticket_id}/draft"
    await bench.do("PUT", path, {"text": "secret plan"})
    ben = await bench.as_agent("agt_2")
    others = [
        await bench.http.get(path, headers=ben),
        await bench.http.get(path, headers=await api_key(bench.platform)),
        await bench.http.get(path, headers=await sign_in(bench.platform, account_id="acc_2", agent_id="agt_1")),
        await bench.http.delete(path, headers=ben),
    ]
    listed = (await bench.http.get("/v1/agents/me/drafts", headers=ben)).json()["items"]

    assert [answer.status_code for answer in others] == [404, 403, 404, 204]
    assert listed == []
    assert "secret" not in str(await bench.thread(ticket_id))
    assert (await bench.get(path))["text"] == "secret plan"


async def test_what_was_sent_is_no_draft_any_more(bench: Any) -> None:
    """A reply removes the draft of a reply, a note that of a note, and neither the other."""
    first, second = await _open_ticket(bench), await _open_ticket(bench)
    for ticket_id, kind in ((first, "reply"), (second, "note")):
        await bench.do("PUT", f"/v1/tickets/{ticket_id}/draft", {"text": "Hello", "kind": kind})
    left = []
    for written in ("notes", "messages"):
        for ticket_id in (first, second):
            sent = await bench.do("POST", f"/v1/tickets/{ticket_id}/{written}", {"text": "Hello"})
            assert sent.status_code == 201
        left.append([draft["kind"] for draft in (await bench.get("/v1/agents/me/drafts"))["items"]])

    assert left == [["reply"], []]


async def test_two_windows_do_not_undo_each_other(bench: Any) -> None:
    """`If-Match` refuses what another window changed, or sent, meanwhile; 0 means that there is none yet."""
    ticket_id = await _open_ticket(bench)
    path = f"/v1/tickets/{ticket_id}/draft"
    made = await bench.do("PUT", path, {"text": "one"}, **{"If-Match": "0"})
    twice = await bench.do("PUT", path, {"text": "two"}, **{"If-Match": "0"})
    changed = await bench.do("PUT", path, {"text": "two"}, **{"If-Match": '"1"'})
    await bench.do("POST", f"/v1/tickets/{ticket_id}/messages", {"text": "two"})
    late = await bench.do("PUT", path, {"text": "two!"}, **{"If-Match": "2"})

    assert [answer.status_code for answer in (made, twice, changed, late)] == [200, 412, 200, 412]
    assert (twice.json()["code"], twice.json()["version"], late.json()["version"]) == ("stale", 1, 0)
    assert (await bench.http.get(path)).status_code == 404


async def test_writers_at_once_leave_one_draft(bench: Any) -> None:
    """Saved from several windows at the same moment, each write counts once and the last one stays."""
    ticket_id = await _open_ticket(bench)
    path = f"/v1/tickets/{ticket_id}/draft"
    answers = await asyncio.gather(*(bench.do("PUT", path, {"text": f"text {number}"}) for number in range(8)))
    stored = await bench.platform.store.collection(SAVED_DRAFTS).find(Eq("ticket_id", ticket_id))

    assert {answer.status_code for answer in answers} == {200}
    assert sorted(answer.json()["version"] for answer in answers) == list(range(1, 9))
    assert [draft.version for draft in stored.items] == [8]


async def test_my_drafts_come_in_pages(bench: Any) -> None:
    """The latest first, page by page."""
    tickets = [await _open_ticket(bench) for _ in range(3)]
    for ticket_id in tickets:
        bench.clock.advance(timedelta(seconds=1))
        await bench.do("PUT", f"/v1/tickets/{ticket_id}/draft", {"text": ticket_id})
    first = await bench.get("/v1/agents/me/drafts", limit=2)
    second = await bench.get("/v1/agents/me/drafts", limit=2, cursor=first["next_cursor"])

    assert [draft["text"] for draft in (*first["items"], *second["items"])] == tickets[::-1]
    assert second["next_cursor"] is None


async def test_drafts_are_bounded(bench: Any) -> None:
    """An agent has a limited number of drafts, of a limited size."""
    ticket_id = await _open_ticket(bench)
    path = f"/v1/tickets/{ticket_id}/draft"
    store = bench.platform.store.collection(SAVED_DRAFTS)
    await store.insert_many([_draft(f"tic_{number}", bench.clock.now()) for number in range(DRAFTS_PER_AGENT)])
    full = await bench.do("PUT", path, {"text": "one more"})
    tall = await bench.do("PUT", path, {"text": "x" * 100_001})
    unknown = await bench.do("PUT", path, {"text": "", "to": "all"})

    assert [answer.status_code for answer in (full, tall, unknown)] == [409, 422, 422]
    assert full.json()["code"] == "limit_reached"


async def test_the_drafts_of_a_ticket_can_be_forgotten(bench: Any) -> None:
    """Erasure leaves nobody's draft of a ticket, and those of others alone (S3)."""
    here, there = await _open_ticket(bench), await _open_ticket(bench)
    for ticket_id in (here, there):
        await bench.do("PUT", f"/v1/tickets/{ticket_id}/draft", {"text": "Hello"})
    await SavedDraftStore(bench.platform.store).forget(here)
    left = (await bench.get("/v1/agents/me/drafts"))["items"]

    assert [draft["ticket_id"] for draft in left] == [there]


def _draft(ticket_id: str, now: Any) -> SavedDraft:
    return SavedDraft(
        id=draft_id("agt_1", ticket_id),
        account_id="acc_1",
        agent_id="agt_1",
        ticket_id=ticket_id,
        kind="reply",
        text="Hello",
        base_seq=1,
        created_at=now,
        updated_at=now,
    )
