"""Who gets a ticket, when, and why."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from end_to_end.company import Agent, Company, Json
from end_to_end.system import RunningSystem
from end_to_end.until import until

ALWAYS = {day: [["00:00", "24:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}


def team(company: Company, name: str, *members: Agent, **routes: object) -> Json:
    """A new team."""
    made: Json = company.owner.post("/v1/teams", {"name": name, "member_ids": [one.id for one in members], **routes})
    return made


def queued(company: Company) -> list[str]:
    """Who waits, longest first."""
    return [one["ticket_id"] for one in company.owner.everything("/v1/queue")]


def test_round_robin_is_even(company: Company) -> None:
    """Nine tickets go to three agents online, three each, and to nobody else (A2)."""
    online = [company.agent(online=True) for _ in range(3)]
    company.agent()
    sent = [company.mail(company.customer()) for _ in range(9)]
    tickets = [company.ticket_of(mail)["id"] for mail in sent]
    assignees = Counter(company.assigned(ticket)["assignee"]["id"] for ticket in tickets)

    assert assignees == {agent.id: 3 for agent in online}


def test_the_queue_drains_in_order_when_somebody_comes(company: Company, system: RunningSystem) -> None:
    """Tickets wait in the queue while nobody is online, and go to the first who comes, oldest first (A5)."""
    agent = company.agent()
    tickets = [company.settled(company.opened_by_mail())["id"] for _ in range(3)]
    until(lambda: queued(company) == tickets)
    for topic in ("ticket-events-v1", "routing-requests-v1"):
        system.bus.read_by(topic, "router")
    (waiting,) = company.decisions(tickets[0])
    agent.go(online=True)
    for ticket in tickets:
        company.assigned(ticket)
    times = [company.decisions(ticket)[-1]["at"] for ticket in tickets]

    assert (waiting["rule"], waiting["chosen"]) == ("nobody_eligible", None)
    assert times == sorted(times)
    until(lambda: queued(company) == [])


def test_a_tag_routes_to_its_team(company: Company) -> None:
    """A ticket whose tag a team has waits for a member of it, whoever else is online (A1, A9)."""
    member, other = company.agent(), company.agent()
    billing = team(company, "Billing", member, tags=["billing"])
    ticket = company.opened_by_mail()
    company.owner.put(f"/v1/tickets/{ticket['id']}/tags", {"tags": ["Billing"]})
    until(lambda: (ticket["id"], billing["id"]) in teams_waited_for(company))
    other.go(online=True)
    theirs = company.assigned(company.opened_by_mail()["id"])
    waiting = company.ticket(ticket["id"])
    member.go(online=True)
    assigned = company.assigned(ticket["id"])
    decision = company.decisions(ticket["id"])[-1]
    reasons = {one["agent_id"]: one["reason"] for one in decision["candidates"]}

    assert theirs["assignee"]["id"] == other.id
    assert waiting["assignee"] is None
    assert (assigned["assignee"]["id"], assigned["team"]["id"]) == (member.id, billing["id"])
    assert (decision["chosen"], decision["team_id"]) == (member.id, billing["id"])
    assert reasons[other.id] == "not_in_team"


def test_a_segment_routes_to_its_team_and_rank_decides(company: Company, system: RunningSystem) -> None:
    """A customer in a segment goes to its team from the first mail; where two match the lower rank wins (A1)."""
    member, other = company.agent(online=True), company.agent(online=True)
    vip = team(company, "Care", member, segments=["vip"], rank=1)
    team(company, "Sale", other, segments=["spring-sale"], rank=2)
    customer = company.customer()
    segments = ["spring-sale", "vip"]
    company.report("support.contact.updated.v1", contact={"email": customer}, segments=segments)
    until(lambda: company.owner.get("/v1/contacts", q=customer)["items"])
    system.bus.read_by("contacts-v1", "router")
    tickets = [company.assigned(company.opened_by_mail(customer)["id"]) for _ in range(2)]
    decision = company.decisions(tickets[0]["id"])[-1]

    assert [one["assignee"]["id"] for one in tickets] == [member.id, member.id]
    assert tickets[0]["team"]["id"] == vip["id"]
    assert [one["rank"] for one in decision["losing_teams"]] == [2]


def test_outside_office_hours_nobody_gets_anything_until_they_open(company: Company) -> None:
    """While closed tickets wait, but people may take them; when hours open the backlog is assigned (A4, A5)."""
    agent = company.agent(online=True)
    schedule = company.owner.post("/v1/schedules", {"name": "Never", "zone": "UTC", "weekly": {}})
    company.set("assignment", {"schedule_id": schedule["id"]})
    waiting, taken = company.opened_by_mail(), company.opened_by_mail()
    decision = until(lambda: company.decisions(waiting["id"]))[-1]
    by_hand = company.owner.put(f"/v1/tickets/{taken['id']}/assignee", {"agent_id": company.owner_id})
    still = company.ticket(waiting["id"])
    company.owner.patch(f"/v1/schedules/{schedule['id']}", {"weekly": ALWAYS})
    opened = company.assigned(waiting["id"])
    later = company.decisions(waiting["id"])[-1]

    assert {one["reason"] for one in decision["candidates"]} == {"outside_hours"}
    assert decision["schedule_version"] == 1
    assert (still["assignee"], by_hand["assignee"]["id"]) == (None, company.owner_id)
    assert opened["assignee"]["id"] == agent.id
    assert (later["chosen"], later["schedule_version"]) == (agent.id, 2)
    assert company.ticket(taken["id"])["assignee"]["id"] == company.owner_id


def test_hours_that_an_exception_closes_are_closed(company: Company) -> None:
    """A dated exception without intervals closes a day that is otherwise open (H1, A4)."""
    company.agent(online=True)
    days = [(datetime.now(UTC) + timedelta(days=days)).date().isoformat() for days in (-1, 0, 1)]
    closed = [{"date": day, "intervals": []} for day in days]
    body = {"name": "Holidays", "zone": "UTC", "weekly": ALWAYS, "exceptions": closed}
    schedule = company.owner.post("/v1/schedules", body)
    company.set("assignment", {"schedule_id": schedule["id"]})
    ticket = company.opened_by_mail()
    decision = until(lambda: company.decisions(ticket["id"]))[-1]

    assert {one["reason"] for one in decision["candidates"]} == {"outside_hours"}
    assert company.ticket(ticket["id"])["assignee"] is None


def test_people_win_over_the_router_and_leave_the_rotation_alone(company: Company) -> None:
    """Reassigning by hand takes no turn: the next ticket goes to whom the router gave one longest ago (A2, A4, A6)."""
    company.agent(online=True)
    company.agent(online=True)
    first, second = [company.assigned(company.opened_by_mail()["id"]) for _ in range(2)]
    longest_ago = first["assignee"]["id"]
    company.owner.put(f"/v1/tickets/{second['id']}/assignee", {"agent_id": longest_ago})
    third = company.assigned(company.opened_by_mail()["id"])

    assert second["assignee"]["id"] != longest_ago
    assert company.ticket(second["id"])["assignee"]["id"] == longest_ago
    assert third["assignee"]["id"] == longest_ago


def test_unassigned_by_hand_stays_so_until_reopened(company: Company) -> None:
    """What a person put back into Unassigned the router leaves there; reopening routes it again (A6, A8)."""
    agent = company.agent(online=True)
    ticket = company.assigned(company.opened_by_mail()["id"])
    company.owner.put(f"/v1/tickets/{ticket['id']}/assignee", {"agent_id": None})
    company.assigned(company.opened_by_mail()["id"])
    unassigned = [one["id"] for one in company.owner.get("/v1/tickets", view="unassigned")["items"]]
    company.owner.post(f"/v1/tickets/{ticket['id']}/close")
    company.owner.post(f"/v1/tickets/{ticket['id']}/reopen")

    assert unassigned == [ticket["id"]]
    assert company.assigned(ticket["id"])["assignee"]["id"] == agent.id


def test_without_round_robin_only_matched_tickets_are_assigned(company: Company) -> None:
    """With round robin off a ticket of a team goes to a member, online or not; others wait for people (A1)."""
    company.set("assignment", {"round_robin": False})
    member, other = company.agent(), company.agent(online=True)
    team(company, "Billing", member, tags=["billing"])
    plain, matched = company.opened_by_mail(), company.opened_by_mail()
    company.owner.put(f"/v1/tickets/{matched['id']}/tags", {"tags": ["billing"]})
    assigned = company.assigned(matched["id"])
    decision = company.decisions(matched["id"])[-1]

    assert (assigned["assignee"]["id"], decision["rule"]) == (member.id, "team_member")
    assert company.ticket(plain["id"])["assignee"] is None
    assert other.id != assigned["assignee"]["id"]


def test_teams_are_kept_and_checked(shared_company: Company) -> None:
    """Teams are created, changed and removed; members must be agents, and the default team stays (A1)."""
    owner = shared_company.owner
    agent = shared_company.agent()
    made = team(shared_company, "Care", agent, description="VIPs", segments=["vip"], rank=3)
    changed = owner.patch(f"/v1/teams/{made['id']}", {"tags": ["care"], "rank": 1})
    unknown = owner.refused("POST", "/v1/teams", {"name": "Ghosts", "member_ids": ["agt_of_nobody"]})
    default = next(one for one in owner.get("/v1/teams")["items"] if one["is_default"])
    owner.delete(f"/v1/teams/{made['id']}")

    assert {name: made[name] for name in ("name", "description", "member_ids", "tags", "segments", "rank")} == {
        "name": "Care",
        "description": "VIPs",
        "member_ids": [agent.id],
        "tags": [],
        "segments": ["vip"],
        "rank": 3,
    }
    assert (changed["tags"], changed["segments"], changed["rank"]) == (["care"], ["vip"], 1)
    assert unknown.status == 422
    assert owner.refused("GET", f"/v1/teams/{made['id']}").status == 404
    assert owner.refused("DELETE", f"/v1/teams/{default['id']}").status == 409


def teams_waited_for(company: Company) -> list[tuple[str, str | None]]:
    """Which ticket waits for which team."""
    return [(one["ticket_id"], one["team_id"]) for one in company.owner.everything("/v1/queue")]
