"""Office hours that follow a calendar, and what becomes of tickets when nobody can answer them any more."""

from datetime import UTC, datetime, timedelta

from end_to_end.company import Company, Json
from end_to_end.until import until

ALWAYS = {day: [["00:00", "24:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}


def _three_days_around_now() -> str:
    yesterday, after = ((datetime.now(UTC) + timedelta(days=days)).strftime("%Y%m%d") for days in (-1, 2))
    event = f"UID:1\r\nDTSTART;VALUE=DATE:{yesterday}\r\nDTEND;VALUE=DATE:{after}\r\nSUMMARY:Company outing"
    lines = ("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN", "BEGIN:VEVENT", event, "END:VEVENT")
    return "\r\n".join((*lines, "END:VCALENDAR", ""))


def test_an_imported_holiday_closes_the_office(company: Company) -> None:
    """On a holiday nobody is assigned anything, and the decision says why; without it the queue drains (A4, H1)."""
    agent = company.agent(online=True)
    schedule = company.owner.post("/v1/schedules", {"name": "Office", "zone": "UTC", "weekly": ALWAYS})
    company.set("assignment", {"schedule_id": schedule["id"]})
    imported = company.owner.post(f"/v1/schedules/{schedule['id']}/import", {"ics": _three_days_around_now()})
    ticket = company.settled(company.opened_by_mail())
    waiting = company.decisions(ticket["id"])[-1]
    company.owner.patch(f"/v1/schedules/{schedule['id']}", {"exceptions": []})

    assert imported["dates"] == 3
    assert {one["reason"] for one in imported["schedule"]["exceptions"]} == {"Company outing"}
    assert {one["agent_id"]: one["reason"] for one in waiting["candidates"]}[agent.id] == "outside_hours"
    assert (waiting["schedule_id"], waiting["schedule_version"]) == (schedule["id"], 2)
    assert company.assigned(ticket["id"])["assignee"]["id"] == agent.id


def test_tickets_of_somebody_who_leaves_go_to_others(company: Company) -> None:
    """Nobody would ever answer them otherwise; the reports count what came back (A6, A9, R1)."""
    leaver = company.agent(online=True)
    ticket = company.assigned(company.opened_by_mail()["id"])
    other = company.agent(online=True)
    company.owner.delete(f"/v1/agents/{leaver.id}")
    moved = until(lambda: _had_by(company, ticket["id"], other.id))
    told = {one["rule"]: one["explanation"] for one in company.decisions(ticket["id"])}
    counts = until(lambda: _counted(company, leaver.id))

    assert ticket["assignee"]["id"] == leaver.id
    assert moved["status"] == "open"
    assert told["agent_left"] == f"{leaver.name} works here no more: the ticket went back to the queue."
    assert (counts["assigned_automatically"], counts["agent_left"]) == (1, 1)


def _had_by(company: Company, ticket_id: str, agent_id: str) -> Json | None:
    """The ticket, once it is that agent's."""
    ticket = company.ticket(ticket_id)
    return ticket if (ticket["assignee"] or {}).get("id") == agent_id else None


def _counted(company: Company, agent_id: str) -> Json | None:
    """What the reports say of an agent, once they have heard of the return."""
    agents = {one["agent_id"]: one for one in company.owner.get("/v1/reports/assignments")["agents"]}
    return agents.get(agent_id) if agents.get(agent_id, {}).get("agent_left") else None
