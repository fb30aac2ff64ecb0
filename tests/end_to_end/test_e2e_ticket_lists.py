"""Lists of tickets: views, filters, order, pages, counts, search."""

import pytest

from end_to_end.company import Company, Json, new_phone
from end_to_end.until import until


def ids(page: Json) -> list[str]:
    """Which tickets a page holds, in order."""
    return [ticket["id"] for ticket in page["items"]]


def test_views_show_whose_a_ticket_is(company: Company) -> None:
    """Mine, Unassigned and All show open tickets by their assignee, and closed ones only when asked (V1)."""
    agent = company.agent()
    mine, others, nobodys, closed = [company.opened_by_mail()["id"] for _ in range(4)]
    company.owner.put(f"/v1/tickets/{mine}/assignee", {"agent_id": agent.id})
    company.owner.put(f"/v1/tickets/{others}/assignee", {"agent_id": company.owner_id})
    company.owner.post(f"/v1/tickets/{closed}/close")
    views = {view: set(ids(agent.api.get("/v1/tickets", view=view))) for view in ("mine", "unassigned", "all")}
    counts = agent.api.get("/v1/tickets/counts")

    assert views == {"mine": {mine}, "unassigned": {nobodys}, "all": {mine, others, nobodys}}
    assert set(ids(agent.api.get("/v1/tickets", status="any"))) == {mine, others, nobodys, closed}
    assert ids(agent.api.get("/v1/tickets", status="closed")) == [closed]
    assert [counts[view]["count"] for view in ("mine", "unassigned", "all")] == [1, 1, 3]


def test_every_filter_narrows(company: Company) -> None:
    """Assignee, team, channel, tag and words each narrow the list, and together they all hold (V1, V4)."""
    agent = company.agent()
    team = company.owner.post("/v1/teams", {"name": "Repairs", "member_ids": [agent.id]})
    wanted = company.opened_by_mail(subject="A giraffe on the balcony")["id"]
    company.opened_by_mail(subject="Something else")
    company.ticket_of(company.sms(new_phone(), company.use_number(), "By phone"))
    company.owner.put(f"/v1/tickets/{wanted}/assignee", {"agent_id": agent.id, "team_id": team["id"]})
    company.owner.put(f"/v1/tickets/{wanted}/tags", {"tags": ["zoo", "urgent"]})
    filters = {"assignee": agent.id, "team": team["id"], "tag": "zoo", "q": "giraf"}
    found = {name: ids(company.owner.get("/v1/tickets", **{name: value})) for name, value in filters.items()}

    assert found == {name: [wanted] for name in filters}
    assert ids(company.owner.get("/v1/tickets", **filters, channel="email", view="all")) == [wanted]
    assert len(ids(company.owner.get("/v1/tickets", channel="email"))) == 2
    assert len(ids(company.owner.get("/v1/tickets", channel="sms"))) == 1
    assert ids(company.owner.get("/v1/tickets", tag="nothing")) == []
    assert ids(company.owner.get("/v1/tickets", q="giraffe balcony")) == [wanted]


def test_words_of_messages_customers_and_numbers_are_found(shared_company: Company) -> None:
    """Search looks into texts, names, addresses and ticket numbers (V4)."""
    customer = shared_company.customer("rosalind")
    ticket = shared_company.opened_by_mail(f"Rosalind Frank <{customer}>", text="My flamingo arrived broken")
    found = {
        words: ids(shared_company.owner.get("/v1/tickets", q=words))
        for words in ("flamingo", "Rosalind", customer, str(ticket["number"]))
    }

    assert all(ticket["id"] in one for one in found.values()), found
    assert found["flamingo"] == [ticket["id"]]


def test_pages_stay_stable_while_tickets_arrive(company: Company) -> None:
    """Paging shows every ticket once, whatever arrives or changes meanwhile (V1)."""
    known = [company.opened_by_mail()["id"] for _ in range(5)]
    first = company.owner.get("/v1/tickets", sort="created_at", limit=2)
    late = company.opened_by_mail()["id"]
    company.owner.put(f"/v1/tickets/{known[0]}/tags", {"tags": ["changed"]})
    seen, cursor = ids(first), first["next_cursor"]
    while cursor:
        page = company.owner.get("/v1/tickets", sort="created_at", limit=2, cursor=cursor)
        seen, cursor = seen + ids(page), page["next_cursor"]
    newest = company.owner.everything("/v1/tickets", sort="-created_at", limit=4)

    assert seen == [*known, late]
    assert [one["id"] for one in newest] == [late, *reversed(known)]


def test_the_last_change_comes_first(company: Company) -> None:
    """Without another order the ticket that changed last is on top (V1)."""
    first, second = [company.settled(company.opened_by_mail())["id"] for _ in range(2)]
    before = ids(company.owner.get("/v1/tickets"))
    company.owner.put(f"/v1/tickets/{first}/tags", {"tags": ["new"]})

    assert before == [second, first]
    assert ids(company.owner.get("/v1/tickets")) == [first, second]


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"limit": 0}, 422, "invalid_request"),
        ({"limit": 201}, 422, "invalid_request"),
        ({"status": "lost"}, 422, "invalid_request"),
        ({"channel": "fax"}, 422, "invalid_request"),
        ({"sort": "colour"}, 422, "invalid_request"),
        ({"cursor": "made-up"}, 400, "invalid_cursor"),
        ({"q": ""}, 422, "invalid_request"),
    ],
)
def test_a_query_that_makes_no_sense_is_refused(shared_company: Company, query: Json, status: int, code: str) -> None:
    """Values out of bounds are told apart by their code, never answered with a list or a failure (S4)."""
    problem = shared_company.owner.refused("GET", "/v1/tickets", params=query)

    assert (problem.status, problem.code) == (status, code)


def test_unread_is_each_agents_own(company: Company) -> None:
    """Reading is per agent, a customer's message makes it unread again, and the badge counts (V2)."""
    ada, ben = company.agent(), company.agent()
    customer = company.customer()
    ticket = company.opened_by_mail(customer)
    read = ada.api.post(f"/v1/tickets/{ticket['id']}/read")
    bens = ben.api.get(f"/v1/tickets/{ticket['id']}")
    badges = [one.api.get("/v1/tickets/counts")["unread"]["count"] for one in (ada, ben)]
    reply = company.reply_and_get_mail(ticket["id"], customer)
    company.verdict(company.mail(customer, headers={"In-Reply-To": reply["Message-ID"]}))
    until(lambda: ada.api.get(f"/v1/tickets/{ticket['id']}")["unread"])
    ada.api.post(f"/v1/tickets/{ticket['id']}/read")
    marked = ada.api.post(f"/v1/tickets/{ticket['id']}/unread")
    company.set("tickets", {"unread_badge": False})
    switched_off = until(lambda: c if (c := ada.api.get("/v1/tickets/counts"))["unread"] is None else None)

    assert (read["unread"], bens["unread"], marked["unread"]) == (False, True, True)
    assert badges == [0, 1]
    assert switched_off["unassigned"]["count"] == 1
