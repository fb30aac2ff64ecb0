"""Tickets that become one, or two, and the views that agents save."""

from end_to_end.company import Company
from end_to_end.until import until
from end_to_end.visitor import Visitor


def chat_ticket(company: Company, visitor: Visitor, client_id: str) -> str:
    """The ticket that a message of the visitor's conversation went to, as the ledger says."""
    conversation_id = visitor.welcome["conversation_id"]

    def look() -> list[str]:
        entries = company.owner.get("/v1/intake", channel="web_chat", limit=200)["items"]
        named = ((one["provider_message_id"], one["ticket_id"]) for one in entries)
        return [ticket for name, ticket in named if name.startswith(conversation_id) and name.endswith(client_id)]

    return until(look)[0]


def test_two_tickets_become_one(shared_company: Company) -> None:
    """The source says where it went, a later mail to it joins the target, and the target shows every message (L7)."""
    company = shared_company
    customer = company.customer()
    source, target = company.opened_by_mail(customer), company.opened_by_mail(customer)
    mail = company.reply_and_get_mail(source["id"], customer)
    merged = company.owner.post(f"/v1/tickets/{source['id']}/merge", {"into": target["id"]})
    verdict = company.verdict(company.mail(customer, headers={"In-Reply-To": mail["Message-ID"]}))
    thread = company.owner.get(f"/v1/tickets/{target['id']}/messages")["items"]
    said = {ticket["id"]: [event["type"] for event in company.events(ticket["id"])] for ticket in (source, target)}

    assert (merged["id"], merged["status"], merged["merged_into"]) == (source["id"], "closed", target["id"])
    assert (verdict["verdict"], verdict["ticket_id"]) == ("appended", target["id"])
    assert [message["kind"] for message in thread] == ["inbound", "inbound", "outbound", "inbound"]
    assert all("support.ticket.merged.v1" in types for types in said.values())
    assert company.ticket(target["id"])["message_count"] == 4


def test_merges_that_cannot_be(shared_company: Company) -> None:
    """Itself, what is not there, what was merged, and another customer's are refused, each with its code (L7)."""
    company = shared_company
    customer = company.customer()
    one, two = (company.opened_by_mail(customer)["id"] for _ in range(2))
    stranger = company.opened_by_mail()["id"]
    company.owner.post(f"/v1/tickets/{one}/merge", {"into": two})
    refused = [
        company.owner.refused("POST", f"/v1/tickets/{source}/merge", {"into": into})
        for source, into in ((two, two), (two, "tic_unknown"), (one, stranger), (two, one), (two, stranger))
    ]

    assert [(one.status, one.code) for one in refused] == [
        (422, "merge_with_itself"),
        (404, "not_found"),
        (409, "already_merged"),
        (409, "target_merged"),
        (409, "contacts_differ"),
    ]


def test_a_merged_chat_goes_on_for_its_visitor(shared_company: Company) -> None:
    """A visitor whose ticket was merged writes on in the same conversation, and reads the target's answers (W1, L7)."""
    company = shared_company
    with company.visitor() as visitor:
        visitor.say("c1", "one")
        first = chat_ticket(company, visitor, "c1")
        visitor.send({"type": "new"})
        visitor.welcome = visitor.expect("welcome")
        visitor.say("c2", "two")
        second = chat_ticket(company, visitor, "c2")
        company.owner.post(f"/v1/tickets/{second}/merge", {"into": first})
        visitor.say("c3", "three")
        third = chat_ticket(company, visitor, "c3")
        company.owner.post(f"/v1/tickets/{first}/messages", {"text": "four"})
        answer = visitor.expect("message")

    assert second != first
    assert third == first
    assert (answer["from"], answer["text"]) == ("agent", "four")
    assert [frame for frame in visitor.frames if frame["type"] == "closed"] == []
    assert [message["text"] for message in company.messages(first)] == ["one", "two", "three", "four"]


def test_a_ticket_becomes_two(shared_company: Company) -> None:
    """Chosen messages become a ticket that follows the first; each links to the other (L7)."""
    company = shared_company
    customer = company.customer()
    ticket = company.opened_by_mail(customer)
    note = company.owner.post(f"/v1/tickets/{ticket['id']}/notes", {"text": "another matter"})
    new = company.owner.post(f"/v1/tickets/{ticket['id']}/split", {"message_ids": [note["id"]], "subject": "Other"})

    assert (new["subject"], new["follow_up_of"], new["message_count"]) == ("Other", ticket["id"], 1)
    assert company.ticket(ticket["id"])["followed_by"] == [new["id"]]


def test_a_saved_view_sorts_by_priority(shared_company: Company) -> None:
    """A shared view lists by its tag, the most urgent first, and its count is beside the others' (V1, L8)."""
    company = shared_company
    ids = [company.opened_by_mail()["id"] for _ in range(3)]
    for ticket_id, priority in zip(ids, ("low", "urgent", "normal"), strict=True):
        company.owner.put(f"/v1/tickets/{ticket_id}/tags", {"tags": ["saved-view"]})
        company.owner.put(f"/v1/tickets/{ticket_id}/priority", {"priority": priority})
    view = company.owner.post(
        "/v1/views", {"name": "Saved", "shared": True, "filter": {"tag": "saved-view"}, "sort": "-priority"}
    )
    listed = [ticket["id"] for ticket in company.owner.get("/v1/tickets", view=view["id"])["items"]]

    assert listed == [ids[1], ids[2], ids[0]]
    assert company.owner.get("/v1/tickets/counts")["views"][view["id"]]["count"] == 3
