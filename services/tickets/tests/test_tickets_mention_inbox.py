"""`GET /v1/mentions`: the notes that name the agent who asks (N3)."""

from datetime import timedelta
from typing import Any

import httpx

from service_kit.docstore import Eq
from service_kit.testing.callers import api_key, sign_in
from service_kit.testing.eventually import eventually
from tickets.mentions.mention import MENTIONS


async def _mentioned(bench: Any, *agent_ids: str) -> str:
    """A ticket with a note of Ann's that names somebody; its id."""
    [entry] = await bench.receive(bench.inbox.mail())
    bench.clock.advance(timedelta(minutes=1))
    answer = await bench.do(
        "POST", f"/v1/tickets/{entry.ticket_id}/notes", {"text": "Look, secretly", "mentions": [*agent_ids]}
    )
    assert answer.status_code == httpx.codes.CREATED, answer.text
    return str(entry.ticket_id)


async def _of(bench: Any, who: dict[str, str], **query: Any) -> Any:
    answer = await bench.http.get("/v1/mentions", headers=who, params=query)
    assert answer.status_code == httpx.codes.OK, answer.text
    return answer.json()


async def test_mentions_come_unread_first_and_page_by_page(bench: Any) -> None:
    """An agent's own, those not read before those that were, each group the latest first, without the note (N3)."""
    ben = await bench.as_agent("agt_2")
    tickets = [await _mentioned(bench, "agt_2") for _ in range(3)]
    await _mentioned(bench, "agt_1")
    newest = (await _of(bench, ben))["items"][0]
    marked = await bench.http.post(f"/v1/mentions/{newest['id']}/read", headers=ben)
    first = await _of(bench, ben, limit=2)
    rest = await _of(bench, ben, limit=2, cursor=first["next_cursor"])
    unread = await _of(bench, ben, read="false")
    back = await bench.http.post(f"/v1/mentions/{newest['id']}/unread", headers=ben)
    listed = [*first["items"], *rest["items"]]

    assert (newest["ticket_id"], newest["number"], newest["subject"]) == (tickets[2], 3, "Order")
    assert (newest["by"]["id"], newest["read"], marked.json()["read"]) == ("agt_1", False, True)
    assert [(one["ticket_id"], one["read"]) for one in listed] == [
        (tickets[1], False),
        (tickets[0], False),
        (tickets[2], True),
    ]
    assert [one["ticket_id"] for one in unread["items"]] == [tickets[1], tickets[0]]
    assert back.json()["read"] is False
    assert "secretly" not in str(listed)


async def test_reading_the_ticket_reads_what_names_one_there(bench: Any) -> None:
    """Whoever marks a ticket as read has no unread mention in it; others, and other tickets, keep theirs (N3, V2)."""
    ben = await bench.as_agent("agt_2")
    await bench.hire("agt_3", "Cleo")
    cleo = await bench.as_agent("agt_3")
    ticket_id, other = await _mentioned(bench, "agt_2", "agt_3"), await _mentioned(bench, "agt_2")
    await bench.http.post(f"/v1/tickets/{ticket_id}/read", headers=ben)

    assert [(one["ticket_id"], one["read"]) for one in (await _of(bench, ben))["items"]] == [
        (other, False),
        (ticket_id, True),
    ]
    assert [one["read"] for one in (await _of(bench, cleo))["items"]] == [False]


async def test_mentions_are_ones_own(bench: Any) -> None:
    """Another agent's, or another account's, is not there; who is nobody has none (S4)."""
    await _mentioned(bench, "agt_2")
    ben = await bench.as_agent("agt_2")
    [mine] = (await _of(bench, ben))["items"]
    stranger = await sign_in(bench.platform, account_id="acc_2", agent_id="agt_2")
    nobody = await bench.http.get("/v1/mentions", headers=await api_key(bench.platform))
    answers = [
        await bench.do("POST", f"/v1/mentions/{mine['id']}/read"),
        await bench.http.post(f"/v1/mentions/{mine['id']}/read", headers=stranger),
    ]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert (nobody.status_code, nobody.json()["code"]) == (403, "agent_needed")
    assert (await _of(bench, stranger))["items"] == []


async def test_a_forgotten_ticket_is_mentioned_no_more(bench: Any) -> None:
    """With the customer goes what says that a note about them named somebody (S3)."""
    ticket_id = await _mentioned(bench, "agt_2")
    contact_id = (await bench.get(f"/v1/tickets/{ticket_id}"))["contact"]["id"]
    await bench.do("POST", f"/v1/contacts/{contact_id}/erase")

    async def is_gone() -> bool:
        return not (await bench.platform.store.collection(MENTIONS).find(Eq("ticket_id", ticket_id))).items

    assert await eventually(is_gone, seconds=15)
