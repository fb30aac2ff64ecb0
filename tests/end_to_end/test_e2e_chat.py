"""Web chat: a visitor's socket on one side, agents on the other."""

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from end_to_end.company import Company, Json
from end_to_end.until import until
from end_to_end.visitor import Visitor

ALWAYS = {day: [["00:00", "24:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}


def ticket_of(company: Company, visitor: Visitor, client_id: str) -> Json:
    """The ticket that a visitor's message is in."""
    return ticket_in(company, visitor.welcome["conversation_id"], client_id)


def ticket_in(company: Company, conversation_id: str, client_id: str) -> Json:
    """The ticket of a message of a conversation; the ledger names it after both."""

    def look() -> list[Json]:
        entries = company.owner.get("/v1/intake", channel="web_chat", limit=200)["items"]
        named = [(one["provider_message_id"], one) for one in entries]
        return [one for name, one in named if name.startswith(conversation_id) and name.endswith(client_id)]

    return company.ticket(until(look)[0]["ticket_id"])


def reply(company: Company, ticket: Json, text: str) -> None:
    """An agent answers."""
    company.owner.post(f"/v1/tickets/{ticket['id']}/messages", {"text": text})


def test_a_conversation_goes_both_ways(shared_company: Company) -> None:
    """A message is acknowledged with its number, becomes a ticket, and the answer arrives at the socket (W1, W2)."""
    company = shared_company
    with company.visitor() as visitor:
        seq = visitor.say("c1", "Do you ship to Lisbon?")
        ticket = ticket_of(company, visitor, "c1")
        reply(company, ticket, "Yes, within four days.")
        answer = visitor.expect("message")
        company.delivery(ticket["id"], "sent")

    assert visitor.welcome.keys() >= {"type", "token", "conversation_id", "seq"}
    assert (visitor.welcome["seq"], seq) == (0, 1)
    assert (ticket["channel"], ticket["subject"], ticket["follow_up_of"]) == (
        "web_chat",
        "Do you ship to Lisbon?",
        None,
    )
    assert answer.keys() >= {"type", "seq", "from", "text", "at"}
    assert (answer["seq"], answer["from"], answer["text"]) == (2, "agent", "Yes, within four days.")
    assert [one["kind"] for one in company.messages(ticket["id"])] == ["inbound", "outbound"]


def test_a_message_sent_again_is_taken_once(shared_company: Company) -> None:
    """The same `client_id` has the same number, and is in the thread once (I4)."""
    with shared_company.visitor() as visitor:
        first, second = visitor.say("c1", "Hello"), visitor.say("c1", "Hello")
        third = visitor.say("c2", "World")
        ticket = ticket_of(shared_company, visitor, "c2")

    assert (first, second, third) == (1, 1, 2)
    assert [one["text"] for one in shared_company.messages(ticket["id"])] == ["Hello", "World"]


def test_after_a_disconnect_the_visitor_gets_exactly_what_they_missed(shared_company: Company) -> None:
    """A session resumed with its token and last number shows the missing messages, once and in order (W1)."""
    company = shared_company
    with company.visitor() as visitor:
        visitor.say("c1", "Hello")
        ticket = ticket_of(company, visitor, "c1")
        reply(company, ticket, "One")
        seen = visitor.expect("message")["seq"]
    for text in ("Two", "Three"):
        reply(company, ticket, text)
    until(lambda: [one["delivery"]["state"] for one in company.messages(ticket["id"])[-2:]] == ["sent", "sent"])
    with company.visitor(token=visitor.token, seq=seen) as resumed:
        missed = [resumed.expect("message")["text"] for _ in range(2)]
        reply(company, ticket, "Four")
        missed.append(resumed.expect("message")["text"])
    with company.visitor(token=visitor.token) as whole:
        thread = [whole.expect("message") for _ in range(5)]

    assert resumed.welcome["conversation_id"] == visitor.welcome["conversation_id"]
    assert missed == ["Two", "Three", "Four"]
    assert [(one["seq"], one["from"], one["text"]) for one in thread] == [
        (1, "visitor", "Hello"),
        (2, "agent", "One"),
        (3, "agent", "Two"),
        (4, "agent", "Three"),
        (5, "agent", "Four"),
    ]


def test_a_forged_token_begins_a_conversation_of_its_own(shared_company: Company) -> None:
    """A token that we did not sign opens nobody's thread (S4, W1)."""
    with shared_company.visitor() as visitor:
        visitor.say("c1", "A secret of mine")
        forged = visitor.token[:-4] + "aaaa"
        with shared_company.visitor(token=forged) as stranger:
            stranger.say("c1", "Hello")

    assert stranger.welcome["conversation_id"] != visitor.welcome["conversation_id"]
    assert stranger.messages() == []


def test_notes_never_reach_the_visitor(shared_company: Company) -> None:
    """A note is in no frame, neither of the open socket nor of a resumed one (W5)."""
    company = shared_company
    with company.visitor() as visitor:
        visitor.say("c1", "Hello")
        ticket = ticket_of(company, visitor, "c1")
        company.owner.post(f"/v1/tickets/{ticket['id']}/notes", {"text": "He is on the blacklist"})
        reply(company, ticket, "Good day")
        company.owner.post(f"/v1/tickets/{ticket['id']}/notes", {"text": "Still on the blacklist"})
        company.owner.post(f"/v1/tickets/{ticket['id']}/close")
        visitor.expect("closed")
    with company.visitor(token=visitor.token) as resumed:
        resumed.expect("closed")
    kinds = [one["kind"] for one in company.messages(ticket["id"])]

    assert kinds == ["inbound", "note", "outbound", "note"]
    assert "blacklist" not in str(visitor.frames) + str(resumed.frames)
    assert visitor.messages() == [("agent", "Good day")]
    assert resumed.messages() == [("visitor", "Hello"), ("agent", "Good day")]


def test_writing_after_the_close_opens_a_new_linked_ticket(shared_company: Company) -> None:
    """A closed chat is never reopened: the next message opens another ticket, linked `follow_up_of` (W2, L3)."""
    company = shared_company
    with company.visitor() as visitor:
        visitor.say("c1", "Hello")
        first = ticket_of(company, visitor, "c1")
        company.owner.post(f"/v1/tickets/{first['id']}/close")
        visitor.expect("closed")
        visitor.send({"type": "message", "client_id": "c2", "text": "One more thing"})
        following = visitor.expect("welcome")
        visitor.expect("ack")
        second = ticket_in(company, following["conversation_id"], "c2")
        reopening = company.owner.refused("POST", f"/v1/tickets/{first['id']}/reopen")
        late = company.owner.refused("POST", f"/v1/tickets/{first['id']}/messages", {"text": "Too late"})

    assert (second["follow_up_of"], second["status"]) == (first["id"], "open")
    assert second["contact"]["id"] == first["contact"]["id"]
    assert company.ticket(first["id"])["status"] == "closed"
    assert (reopening.status, reopening.code) == (409, "reopen_forbidden")
    assert late.status == 409


def test_a_new_conversation_can_be_asked_for(shared_company: Company) -> None:
    """`new` starts another conversation on the same socket, with a thread and a ticket of its own (W2)."""
    company = shared_company
    with company.visitor() as visitor:
        visitor.say("c1", "Hello")
        first = ticket_of(company, visitor, "c1")
        visitor.send({"type": "new"})
        following = visitor.expect("welcome")
        visitor.say("c2", "Something else")
        second = ticket_in(company, following["conversation_id"], "c2")

    assert following["conversation_id"] != visitor.welcome["conversation_id"]
    assert first["id"] != second["id"]


def test_the_form_names_the_contact(shared_company: Company) -> None:
    """Name and address from the form are shown with the contact (W6)."""
    company = shared_company
    with company.visitor() as visitor:
        visitor.send({"type": "profile", "name": "Ana Costa", "email": "ana@visitor.example"})
        visitor.say("c1", "Hello")
        ticket = ticket_of(company, visitor, "c1")
        until(lambda: company.ticket(ticket["id"])["contact"]["name"] == "Ana Costa")
        contact = company.ticket(ticket["id"])["contact"]

    assert contact["email"] == "ana@visitor.example"


@pytest.mark.parametrize(("weekly", "text"), [(ALWAYS, "We are here"), ({}, "We are closed")])
def test_office_hours_are_told_once(company: Company, weekly: Json, text: str) -> None:
    """After the first message the visitor is told once whether anybody is there, also in the ticket (W3)."""
    schedule = company.owner.post("/v1/schedules", {"name": "Hours", "zone": "Europe/Paris", "weekly": weekly})
    texts = {"in_hours_text": "We are here", "out_of_hours_text": "We are closed"}
    company.set("chat", {"schedule_id": schedule["id"], **texts})
    with company.visitor() as visitor:
        visitor.say("c1", "Hello")
        told = visitor.expect("message")
        visitor.say("c2", "Anybody?")
        ticket = ticket_of(company, visitor, "c2")
        reply(company, ticket, "Me")
        visitor.expect("message")

    assert (told["from"], told["text"]) == ("system", text)
    assert visitor.messages() == [("system", text), ("agent", "Me")]
    assert [one["kind"] for one in company.messages(ticket["id"])] == ["inbound", "system", "inbound", "outbound"]


def test_without_a_schedule_nothing_is_told(company: Company) -> None:
    """Texts without any schedule are never sent (W3)."""
    company.set("chat", {"in_hours_text": "We are here", "out_of_hours_text": "We are closed"})
    with company.visitor() as visitor:
        visitor.say("c1", "Hello")
        ticket = ticket_of(company, visitor, "c1")
        reply(company, ticket, "Hello yourself")
        visitor.expect("message")

    assert visitor.messages() == [("agent", "Hello yourself")]


def test_who_leaves_gets_what_they_missed_by_mail(company: Company) -> None:
    """A visitor who left gets one mail from the support address with the answer they missed (W4)."""
    company.set("chat", {"follow_up_after_seconds": 1})
    customer = company.customer()
    with company.visitor() as visitor:
        visitor.send({"type": "profile", "name": "Ana", "email": customer})
        visitor.say("c1", "Hello")
        ticket = ticket_of(company, visitor, "c1")
    reply(company, ticket, "Here is your answer")
    (mail,) = company.relay.wait_for(customer)

    assert mail["From"].addresses[0].addr_spec == company.support
    assert "Here is your answer" in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]


def test_frames_that_make_no_sense_are_told_and_survived(shared_company: Company) -> None:
    """What is no frame of ours, or too long a text, is answered with an error; the chat goes on (S4)."""
    with shared_company.visitor() as visitor:
        visitor.socket.send("this is not JSON")
        first = visitor.expect("error")
        visitor.send({"type": "message", "client_id": "c1", "text": "x" * 10_001})
        second = visitor.expect("error")
        visitor.send({"type": "dance"})
        visitor.expect("error")
        seq = visitor.say("c1", "Hello")

    assert (first["code"], second["code"], seq) == ("invalid_frame", "invalid_frame", 1)


def test_a_frame_over_the_limit_closes_the_socket(shared_company: Company) -> None:
    """A frame over 64 KiB is refused with the websocket's own code 1009 (I7)."""
    with shared_company.visitor() as visitor:
        visitor.send({"type": "message", "client_id": "c1", "text": "x" * 70_000})
        with pytest.raises(ConnectionClosed) as closed:
            visitor.socket.recv(timeout=20)

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009


def test_the_door_knows_accounts_and_origins(shared_company: Company) -> None:
    """An unknown account is 404; a page that is not on the list is 403, one that is may embed the chat (W7)."""
    company = shared_company
    base = str(company.owner.client.base_url).replace("http", "ws", 1)
    with pytest.raises(InvalidStatus) as unknown, connect(f"{base}/v1/chat/ws?account=acc_of_nobody"):
        pass
    url, shop = f"{base}/v1/chat/ws?account={company.account_id}", "https://shop.example"
    with pytest.raises(InvalidStatus) as foreign, connect(url, additional_headers={"Origin": shop}):
        pass
    company.set("chat", {"origins": [shop]})
    with connect(url, additional_headers={"Origin": shop}) as allowed:
        allowed.send('{"type": "hello"}')
        welcome = str(allowed.recv(timeout=20))

    assert unknown.value.response.status_code == 404
    assert b'"code": "not_found"' in (unknown.value.response.body or b"")
    assert foreign.value.response.status_code == 403
    assert '"welcome"' in welcome
