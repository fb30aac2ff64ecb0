"""Who would get a ticket, how much an agent is given, and what becomes of tickets beyond that."""

from end_to_end.company import Company
from end_to_end.until import until


def test_a_simulation_says_who_would_get_a_ticket(company: Company) -> None:
    """Asking decides nothing; the ticket that then comes goes to whom the answer named (A9)."""
    agent = company.agent(online=True)
    other = company.agent()
    asked = company.owner.post("/v1/assignment/simulate", {"channel": "email", "tags": ["billing"]})
    ticket = company.assigned(company.opened_by_mail()["id"])
    about_it = company.owner.post("/v1/assignment/simulate", {"ticket_id": ticket["id"]})
    reasons = {one["agent_id"]: one["reason"] for one in asked["candidates"]}

    assert (asked["rule"], asked["chosen"]) == ("round_robin", agent.id)
    assert (reasons[agent.id], reasons[other.id]) == (None, "offline")
    assert ticket["assignee"]["id"] == agent.id
    assert (about_it["rule"], about_it["chosen"]) == ("not_waiting", None)


def test_nobody_gets_more_than_fits_until_a_ticket_is_closed(company: Company) -> None:
    """At capacity the next ticket waits, and goes out when one is closed (A5, A7)."""
    agent = company.agent(online=True)
    company.set("assignment", {"capacity": {"per_agent": 1}})
    first = company.assigned(company.opened_by_mail()["id"])
    second = company.settled(company.opened_by_mail())
    waiting = company.decisions(second["id"])[-1]
    reasons = {one["agent_id"]: one["reason"] for one in waiting["candidates"]}
    shown = company.owner.get(f"/v1/availability/{agent.id}")
    company.owner.post(f"/v1/tickets/{first['id']}/close")

    assert reasons[agent.id] == "at_capacity"
    assert shown["open"] == {"email": 1}
    assert company.assigned(second["id"])["assignee"]["id"] == agent.id


def test_a_channel_that_is_not_theirs_goes_to_somebody_else(company: Company) -> None:
    """An agent for chats only gets no mail; permitted again, the waiting mail is theirs at once (A5, A9)."""
    agent = company.agent(online=True)
    company.owner.patch(f"/v1/availability/{agent.id}", {"channels": ["web_chat"]})
    ticket = company.settled(company.opened_by_mail())
    reasons = {one["agent_id"]: one["reason"] for one in company.decisions(ticket["id"])[-1]["candidates"]}
    refused = agent.api.refused("PATCH", f"/v1/availability/{agent.id}", {"channels": None})
    company.owner.patch(f"/v1/availability/{agent.id}", {"channels": None})

    assert reasons[agent.id] == "no_permission"
    assert refused.status == 403
    assert until(lambda: company.ticket(ticket["id"])["assignee"])["id"] == agent.id
