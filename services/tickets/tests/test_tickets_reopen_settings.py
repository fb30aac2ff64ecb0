"""What an account sets about reopening holds for messages and agents, by channel and by team (L2, L3, X5)."""

from datetime import timedelta
from typing import Any

from contracts.settings import TicketSettings

FIRST = "first@customer.example"


async def _closed_in_team(bench: Any, team_id: str | None) -> str:
    """A closed mail ticket of a team, assigned to Ann, who is not online."""
    [entry] = await bench.receive(bench.inbox.mail(mail_id=FIRST))
    path = f"/v1/tickets/{entry.ticket_id}"
    await bench.do("PUT", f"{path}/assignee", {"agent_id": "agt_1", "team_id": team_id})
    await bench.do("POST", f"{path}/close")
    return str(entry.ticket_id)


async def _answer(bench: Any) -> Any:
    bench.clock.advance(timedelta(hours=2))
    [entry] = await bench.receive(bench.inbox.mail("Once more", references=[FIRST]))
    return entry


async def test_a_team_of_its_own(bench: Any):
    """A team decides about its tickets: a late answer opens a new one that follows, and none is reopened by hand."""
    rules = {"tea_1": {"email": {"within_hours": 1, "by_hand": False}}}
    await bench.set("tickets", TicketSettings.model_validate({"reopen_teams": rules}))
    closed = await _closed_in_team(bench, "tea_1")
    by_hand = await bench.do("POST", f"/v1/tickets/{closed}/reopen")
    entry = await _answer(bench)
    ticket = await bench.get(f"/v1/tickets/{entry.ticket_id}")

    assert (by_hand.status_code, by_hand.json()["code"]) == (409, "reopen_forbidden")
    assert (entry.verdict, entry.rule, ticket["follow_up_of"]) == ("created", "reopen_window_over", closed)


async def test_other_teams_are_as_before(bench: Any):
    """A rule of one team leaves the tickets of no team alone; who is not there loses the ticket (L3)."""
    rules = {"tea_1": {"email": {"action": "new"}}}
    await bench.set("tickets", TicketSettings.model_validate({"reopen_teams": rules}))
    closed = await _closed_in_team(bench, None)
    entry = await _answer(bench)
    ticket = await bench.get(f"/v1/tickets/{closed}")

    assert (entry.verdict, entry.ticket_id) == ("reopened", closed)
    assert (ticket["status"], ticket["assignee"], ticket["cycle"]) == ("open", None, 2)


async def test_the_owner_stays_if_the_account_says_so(bench: Any):
    """With `keep` a reopened ticket goes back to who had it, online or not (L3)."""
    await bench.set("tickets", TicketSettings.model_validate({"reopen": {"email": {"owner": "keep"}}}))
    closed = await _closed_in_team(bench, None)
    await _answer(bench)

    assert (await bench.get(f"/v1/tickets/{closed}"))["assignee"]["id"] == "agt_1"


async def test_a_snooze_that_outlasts_an_answer(bench: Any):
    """With `keep` a customer's message joins a snoozed ticket without waking it (L2)."""
    await bench.set("tickets", TicketSettings.model_validate({"reopen": {"email": {"on_snoozed": "keep"}}}))
    [entry] = await bench.receive(bench.inbox.mail(mail_id=FIRST))
    await bench.do("POST", f"/v1/tickets/{entry.ticket_id}/snooze", {"preset": "next_week"})
    answer = await _answer(bench)
    ticket = await bench.get(f"/v1/tickets/{entry.ticket_id}")

    assert (answer.verdict, answer.rule, ticket["status"]) == ("appended", "stays_snoozed", "snoozed")
    assert (ticket["message_count"], ticket["unread"]) == (2, True)


async def test_refused_settings(bench: Any):
    """Chats are never reopened, whatever is asked (W2), and a rule must be one."""
    asked = [
        {"reopen": {"web_chat": {"action": "reopen"}}},
        {"reopen": {"email": {"within_hours": -1}}},
        {"reopen": {"fax": {}}},
        {"reopen_teams": {"tea_1": {"preset": "never"}}},
        {"auto_close_after_hours": 0},
    ]
    answers = [await bench.do("PATCH", "/v1/settings/tickets", patch) for patch in asked]

    assert [answer.status_code for answer in answers] == [422] * len(asked)
