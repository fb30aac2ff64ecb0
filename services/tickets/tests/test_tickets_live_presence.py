"""Who looks at a ticket, and who writes in it (L6)."""

from datetime import UTC, datetime, timedelta
from typing import Any

from service_kit.testing.callers import api_key, sign_in
from service_kit.testing.event_stream import following
from tickets.live.live_presence import MOST_PRESENT, renewed, still_there

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


async def _open_ticket(bench: Any) -> str:
    [entry] = await bench.receive(bench.inbox.mail())
    return str(entry.ticket_id)


async def _say(bench: Any, ticket_id: str, agent_id: str, state: str) -> list[tuple[str, str, str]]:
    headers = await bench.as_agent(agent_id)
    answer = await bench.http.put(f"/v1/tickets/{ticket_id}/presence", json={"state": state}, headers=headers)
    assert answer.status_code == 200, answer.text
    return _shown(answer.json())


def _shown(presence: Any) -> list[tuple[str, str, str]]:
    return [(one["agent_id"], one["name"], one["state"]) for one in presence["items"]]


async def test_agents_see_each_other(bench: Any) -> None:
    """Who views and who types is shown with their names, in the order in which they came, until they are gone."""
    ticket_id = await _open_ticket(bench)
    await _say(bench, ticket_id, "agt_1", "viewing")
    bench.clock.advance(timedelta(seconds=1))
    both = await _say(bench, ticket_id, "agt_2", "typing")
    seen = _shown(await bench.get(f"/v1/tickets/{ticket_id}/presence"))
    left = await _say(bench, ticket_id, "agt_1", "gone")
    again = await _say(bench, ticket_id, "agt_1", "gone")

    assert both == seen == [("agt_1", "Ann", "viewing"), ("agt_2", "Ben", "typing")]
    assert left == again == [("agt_2", "Ben", "typing")]


async def test_who_says_nothing_more_is_gone(bench: Any) -> None:
    """A word holds for fifteen seconds; said again it holds on, and `since` stays that of the first."""
    ticket_id = await _open_ticket(bench)
    await _say(bench, ticket_id, "agt_1", "viewing")
    await _say(bench, ticket_id, "agt_2", "viewing")
    bench.clock.advance(timedelta(seconds=10))
    await _say(bench, ticket_id, "agt_2", "viewing")
    bench.clock.advance(timedelta(seconds=6))
    presence = await bench.get(f"/v1/tickets/{ticket_id}/presence")

    assert _shown(presence) == [("agt_2", "Ben", "viewing")]
    assert presence["items"][0]["since"] == "2026-11-21T12:00:00Z"


async def test_presence_is_told_as_it_changes(bench: Any) -> None:
    """Whoever follows the ticket is told who is there at first, and whenever that changes, but not at every word."""
    ticket_id = await _open_ticket(bench)
    headers = await bench.as_agent("agt_1")
    async with following(bench.service.api, f"/v1/tickets/{ticket_id}/stream", headers) as stream:
        told = [(await stream.next("presence")).data["agents"]]
        for state in ("viewing", "viewing", "typing", "gone"):
            await _say(bench, ticket_id, "agt_2", state)
            if len(told) < 2 or state != "viewing":
                told.append((await stream.next("presence", seconds=2)).data["agents"])

    assert [[one["state"] for one in agents] for agents in told] == [[], ["viewing"], ["typing"], []]


async def test_who_vanished_is_told_to_be_gone(bench: Any) -> None:
    """Nobody says so when a browser dies: the stream notices within seconds."""
    ticket_id = await _open_ticket(bench)
    await _say(bench, ticket_id, "agt_2", "typing")
    headers = await bench.as_agent("agt_1")
    async with following(bench.service.api, f"/v1/tickets/{ticket_id}/stream", headers) as stream:
        there = await stream.next("presence")
        bench.clock.advance(timedelta(seconds=16))
        gone = await stream.next("presence", seconds=6)

    assert [one["agent_id"] for one in there.data["agents"]] == ["agt_2"]
    assert gone.data["agents"] == []


async def test_presence_is_of_people_in_their_own_account(bench: Any) -> None:
    """A key is nobody who looks, also where it acts for an agent; another account finds no ticket (S4)."""
    ticket_id = await _open_ticket(bench)
    path = f"/v1/tickets/{ticket_id}/presence"
    key = await api_key(bench.platform, agent_id="agt_1", role="support")
    stranger = await sign_in(bench.platform, account_id="acc_2", agent_id="agt_9")
    answers = [
        await bench.http.put(path, json={"state": "viewing"}, headers=key),
        await bench.http.put(path, json={"state": "viewing"}, headers=stranger),
        await bench.http.get(path, headers=stranger),
        await bench.do("PUT", path, {"state": "asleep"}),
        await bench.do("PUT", path, {"state": "viewing", "agent_id": "agt_2"}),
    ]

    assert [answer.status_code for answer in answers] == [403, 404, 404, 422, 422]
    assert answers[0].json()["code"] == "session_needed"


async def test_a_ticket_shows_a_limited_crowd(bench: Any) -> None:
    """So many agents are shown; one more is refused, those who are there may go on."""
    ticket_id = await _open_ticket(bench)
    for number in range(MOST_PRESENT):
        await _say(bench, ticket_id, f"agt_x{number}", "viewing")
    late = await bench.do("PUT", f"/v1/tickets/{ticket_id}/presence", {"state": "viewing"})
    stayed = await _say(bench, ticket_id, "agt_x0", "typing")

    assert (late.status_code, late.json()["code"]) == (409, "limit_reached")
    assert len(stayed) == MOST_PRESENT


def test_a_change_of_state_begins_anew() -> None:
    """`since` is when somebody began to do what they do."""
    viewing = renewed(None, "agt_1", "viewing", NOON)
    still = renewed(viewing, "agt_1", "viewing", NOON + timedelta(seconds=5))
    typing = renewed(still, "agt_1", "typing", NOON + timedelta(seconds=7))

    assert [one.since for one in (viewing, still, typing)] == [NOON, NOON, NOON + timedelta(seconds=7)]
    assert still_there([typing], NOON + timedelta(seconds=22)) == {}
    assert list(still_there([typing], NOON + timedelta(seconds=21))) == ["agt_1"]
