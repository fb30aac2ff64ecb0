"""Agents working side by side: what one does the others see at once, and nobody misses anything (L6, N3)."""

import time

from end_to_end.company import Company
from end_to_end.event_stream import EventStream


def _stream(company: Company, path: str, token: str | None, **headers: str) -> EventStream:
    base_url = str(company.owner.client.base_url).rstrip("/")
    return EventStream(base_url, path, {"Authorization": f"Bearer {token}", **headers})


def test_colleagues_see_each_other_and_what_happens(company: Company) -> None:
    """Presence, a customer's message and a colleague's change arrive live; a broken stream goes on without a gap."""
    customer = company.customer()
    ticket = company.settled(company.opened_by_mail(customer))
    ann, ben = company.agent(), company.agent()
    watching = company.sign_in(ann.email)
    path = f"/v1/tickets/{ticket['id']}"
    typing = company.sign_in(ben.email)
    with _stream(company, f"{path}/stream", watching.token) as stream:
        typing.put(f"{path}/presence", {"state": "typing"})
        there = [stream.next("presence").data["agents"] for _ in range(2)][-1]
        began = time.monotonic()
        ben.api.put(f"{path}/tags", {"tags": ["vip"]})
        told = stream.next("ticket")
        seconds = time.monotonic() - began
    mail = company.reply_and_get_mail(ticket["id"], customer)
    company.verdict(company.mail(customer, headers={"In-Reply-To": mail["Message-ID"]}))
    history = [event["seq"] for event in company.events(ticket["id"])]
    with _stream(company, f"{path}/stream", watching.token, **{"Last-Event-ID": told.id or ""}) as stream:
        missed = [stream.next("ticket").data["seq"] for _ in range(history[-1] - told.data["seq"])]

    assert [(one["agent_id"], one["name"], one["state"]) for one in there] == [(ben.id, ben.name, "typing")]
    assert told.data["type"] == "support.ticket.tags_changed.v1"
    assert seconds < 2
    assert [told.data["seq"], *missed] == history[history.index(told.data["seq"]) :]


def test_a_view_is_followed_until_the_logout(company: Company) -> None:
    """A new ticket shows up in *Unassigned* and leaves it when somebody takes it; the logout ends the stream."""
    ann, ben = company.agent(), company.agent()
    session = company.sign_in(ann.email)
    with _stream(company, "/v1/tickets/stream?view=unassigned", session.token) as stream:
        ticket = company.opened_by_mail()
        came = stream.next("ticket")
        company.owner.put(f"/v1/tickets/{ticket['id']}/assignee", {"agent_id": ben.id})
        left = stream.next("ticket")
        while left.data["in_view"]:
            left = stream.next("ticket")
        began = time.monotonic()
        session.delete("/v1/sessions/current")
        end = stream.rest()[-1]
        seconds = time.monotonic() - began

    assert (came.data["id"], came.data["in_view"]) == (ticket["id"], True)
    assert (left.data["id"], left.data["type"]) == (ticket["id"], "support.ticket.assigned.v1")
    assert (end.name, end.data) == ("end", {"reason": "session_ended"})
    assert seconds < 3


def test_a_mentioned_agent_is_told_by_mail(company: Company) -> None:
    """A note that names a colleague makes one mail to them, without a word of the note (N3)."""
    ticket = company.opened_by_mail()
    ann, ben = company.agent(), company.agent()
    note = {"text": f"Confidential: ask @{ben.email}"}
    ann.api.post(f"/v1/tickets/{ticket['id']}/notes", note, idempotency_key="note-1")
    ann.api.post(f"/v1/tickets/{ticket['id']}/notes", note, idempotency_key="note-1")
    [mail] = company.relay.wait_for(ben.email, 1)
    unread = ben.api.get(f"/v1/tickets/{ticket['id']}")["unread"]

    assert mail["Subject"] == f"{ann.name} mentioned you in ticket #{ticket['number']}"
    assert "Confidential" not in mail.as_string()
    assert unread
    assert len(company.relay.mails_to(ben.email)) == 1
