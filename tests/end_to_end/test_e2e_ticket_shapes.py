"""Tickets as the API shows them: the shapes that outsiders rely on."""

from datetime import datetime

from end_to_end.company import Company

TICKET = {
    "id",
    "number",
    "channel",
    "subject",
    "status",
    "snoozed_until",
    "assignee",
    "team",
    "contact",
    "tags",
    "priority",
    "created_at",
    "updated_at",
    "version",
    "unread",
    "message_count",
    "follow_up_of",
    "cycle",
}
MESSAGE = {"id", "seq", "kind", "author", "text", "html", "attachments", "created_at", "delivery"}
EVENT = {"seq", "type", "actor", "cause", "at", "data"}
INTAKE = {"id", "channel", "provider_message_id", "verdict", "rule", "ticket_id", "received_at"}


def moment(text: str) -> datetime:
    """A moment with its zone."""
    at = datetime.fromisoformat(text)
    assert at.tzinfo is not None
    return at


def test_a_ticket_has_its_members(shared_company: Company) -> None:
    """One ticket, alone and in a list, has every member that was promised, with values of their kind."""
    company = shared_company
    customer = company.customer()
    ticket = company.settled(company.opened_by_mail(f"Zoé Doe <{customer}>", subject="A cup"))
    (listed,) = [one for one in company.owner.get("/v1/tickets")["items"] if one["id"] == ticket["id"]]

    shown = company.ticket(ticket["id"])

    assert ticket.keys() >= TICKET
    assert listed == {member: shown[member] for member in listed}
    assert ticket["contact"] == {
        "id": ticket["contact"]["id"],
        "name": "Zoé Doe",
        "email": customer,
        "phone": None,
    }
    assert (ticket["status"], ticket["snoozed_until"], ticket["assignee"], ticket["tags"]) == ("open", None, None, [])
    assert (ticket["priority"], ticket["follow_up_of"], ticket["message_count"]) == ("normal", None, 1)
    assert ticket["unread"] is True
    assert isinstance(ticket["number"], int)
    assert isinstance(ticket["version"], int)
    assert moment(ticket["created_at"]) <= moment(ticket["updated_at"])


def test_assignee_and_team_are_shown_by_name(shared_company: Company) -> None:
    """Assignee and team are objects with id and name (V3)."""
    company = shared_company
    agent = company.agent()
    team = company.owner.post("/v1/teams", {"name": "Repairs", "member_ids": [agent.id]})
    ticket = company.opened_by_mail()
    choice = {"agent_id": agent.id, "team_id": team["id"]}
    assigned = company.owner.put(f"/v1/tickets/{ticket['id']}/assignee", choice)

    assert assigned["assignee"] == {"id": agent.id, "name": agent.name}
    assert assigned["team"] == {"id": team["id"], "name": "Repairs"}
    assert assigned["version"] > ticket["version"]


def test_messages_have_their_members(shared_company: Company) -> None:
    """Inbound, note and outbound have the members promised; only what is sent has a delivery."""
    company = shared_company
    customer = company.customer()
    ticket = company.opened_by_mail(customer)
    note = company.owner.post(f"/v1/tickets/{ticket['id']}/notes", {"text": "Be kind"})
    reply = company.owner.post(f"/v1/tickets/{ticket['id']}/messages", {"text": "Hello"})
    messages = company.messages(ticket["id"])

    assert all(one.keys() >= MESSAGE for one in [*messages, note, reply])
    assert [one["kind"] for one in messages] == ["inbound", "note", "outbound"]
    assert [one["seq"] for one in messages] == sorted({one["seq"] for one in messages})
    assert [one["delivery"] is None for one in messages] == [True, True, False]
    assert messages[2]["delivery"].keys() == {"state", "reason"}
    assert messages[2]["author"]["id"] == company.owner_id
    assert [one["id"] for one in messages[1:]] == [note["id"], reply["id"]]


def test_messages_come_in_pages_from_the_newest(shared_company: Company) -> None:
    """A page holds the newest messages, oldest first, and the cursor leads to those before (V3)."""
    company = shared_company
    ticket = company.opened_by_mail(text="0")
    for number in range(1, 8):
        company.owner.post(f"/v1/tickets/{ticket['id']}/notes", {"text": str(number)})
    path = f"/v1/tickets/{ticket['id']}/messages"
    newest = company.owner.get(path, limit=3)
    middle = company.owner.get(path, limit=3, cursor=newest["next_cursor"])
    oldest = company.owner.get(path, limit=3, cursor=middle["next_cursor"])
    pages = [[one["text"].strip() for one in page["items"]] for page in (newest, middle, oldest)]

    assert pages == [["5", "6", "7"], ["2", "3", "4"], ["0", "1"]]
    assert oldest["next_cursor"] is None


def test_events_are_numbered_without_a_gap(shared_company: Company) -> None:
    """Every change is an event with actor and cause, numbered from 1 without a gap, also over pages (L5)."""
    company = shared_company
    ticket = company.opened_by_mail()
    path = f"/v1/tickets/{ticket['id']}"
    company.owner.post(f"{path}/notes", {"text": "Hm"})
    company.owner.put(f"{path}/tags", {"tags": ["a", "b"]})
    company.owner.put(f"{path}/assignee", {"agent_id": company.owner_id})
    company.owner.post(f"{path}/close")
    company.owner.post(f"{path}/reopen")
    events = company.events(ticket["id"])
    paged = company.owner.everything(f"{path}/events", limit=2)
    ours = [event["type"] for event in events if event["actor"]["id"] == company.owner_id]

    assert all(event.keys() >= EVENT for event in events)
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert [(event["type"], event["actor"]["kind"]) for event in events[:2]] == [
        ("support.ticket.created.v1", "customer"),
        ("support.ticket.message_added.v1", "customer"),
    ]
    assert ours == [
        f"support.ticket.{name}.v1" for name in ("message_added", "tags_changed", "assigned", "closed", "reopened")
    ]
    assert [moment(event["at"]) for event in events] == sorted(moment(event["at"]) for event in events)
    assert paged == events


def test_the_ledger_has_its_members_and_filters(shared_company: Company) -> None:
    """A ledger entry has the members promised, and verdict, channel and mailbox narrow the list (I2)."""
    company = shared_company
    sent = company.mail(company.customer())
    entry = company.verdict(sent)
    page = company.owner.get("/v1/intake", verdict="created", channel="email", mailbox=company.support)
    none = company.owner.get("/v1/intake", verdict="blocked")

    assert entry.keys() >= INTAKE
    assert entry["id"] in [one["id"] for one in page["items"]]
    assert {(one["verdict"], one["channel"]) for one in page["items"]} == {("created", "email")}
    assert none == {"items": [], "next_cursor": None}
