"""Signed webhooks: what other systems hear of tickets."""

import json
import threading
from collections.abc import Iterator

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from end_to_end.company import Company, Json
from end_to_end.http_peer import HttpPeer, Request
from end_to_end.until import until

_HANG_SECONDS = 30


@pytest.fixture
def receiver() -> Iterator[HttpPeer]:
    """The other system."""
    with HttpPeer() as peer:
        yield peer


def subscribe(company: Company, receiver: HttpPeer, *events: str) -> Json:
    """A webhook to the receiver."""
    made: Json = company.owner.post("/v1/webhooks", {"url": f"{receiver.url}/hook", "events": list(events)})
    return made


def anything(_request: Request) -> bool:
    """Every request is wanted."""
    return True


def event_of(request: Request) -> Json:
    """The CloudEvent in a request."""
    event: Json = json.loads(request.body)
    return event


def test_events_arrive_signed_in_order_and_without_bodies(company: Company, receiver: HttpPeer) -> None:
    """Each event of a ticket arrives as a signed CloudEvent with its number, and no text of any message (E1, E2)."""
    hook = subscribe(company, receiver, "support.ticket.*")
    ticket = company.opened_by_mail(text="A secret only for agents")
    company.owner.post(f"/v1/tickets/{ticket['id']}/notes", {"text": "A secret only for agents"})
    company.owner.post(f"/v1/tickets/{ticket['id']}/close")
    history = until(lambda: e if (e := company.events(ticket["id"]))[-1]["type"] == "support.ticket.closed.v1" else [])
    requests = receiver.wait_for(anything, len(history))
    for request in requests:
        Webhook(hook["secret"]).verify(request.body, dict(request.headers))
    events = sorted((event_of(request) for request in requests), key=lambda event: event["data"]["seq"])

    assert hook["secret"].startswith("whsec_")
    assert {request.path for request in requests} == {"/hook"}
    assert [(event["data"]["seq"], event["type"]) for event in events] == [(one["seq"], one["type"]) for one in history]
    assert all(event.keys() >= {"specversion", "id", "type", "source", "time", "data"} for event in events)
    assert {event["specversion"] for event in events} == {"1.0"}
    assert len({request.headers["webhook-id"] for request in requests}) == len(history)
    assert not [request for request in requests if b"A secret" in request.body]


def test_a_signature_fits_only_its_own_body_and_secret(company: Company, receiver: HttpPeer) -> None:
    """A changed body or another secret does not verify (E2)."""
    hook = subscribe(company, receiver, "support.ticket.created.v1")
    company.opened_by_mail()
    (request,) = receiver.wait_for(anything)
    other = subscribe(company, receiver, "support.ticket.created.v1")

    with pytest.raises(WebhookVerificationError):
        Webhook(hook["secret"]).verify(request.body + b" ", dict(request.headers))
    with pytest.raises(WebhookVerificationError):
        Webhook(other["secret"]).verify(request.body, dict(request.headers))


def test_only_wanted_events_of_active_webhooks_are_sent(company: Company, receiver: HttpPeer) -> None:
    """A webhook gets the types it names and nothing while it is switched off (E2)."""
    closed = subscribe(company, receiver, "support.ticket.closed.v1")
    off = subscribe(company, receiver, "support.ticket.*")
    company.owner.patch(f"/v1/webhooks/{off['id']}", {"active": False})
    ticket = company.opened_by_mail()
    company.owner.post(f"/v1/tickets/{ticket['id']}/close")
    receiver.wait_for(lambda request: event_of(request)["type"] == "support.ticket.closed.v1")
    log = company.owner.get(f"/v1/webhooks/{closed['id']}/deliveries")["items"]

    assert [event_of(request)["type"] for request in receiver.requests] == ["support.ticket.closed.v1"]
    assert [one["event_type"] for one in log] == ["support.ticket.closed.v1"]
    assert company.owner.get(f"/v1/webhooks/{off['id']}/deliveries")["items"] == []


def test_a_failed_attempt_is_made_again_under_the_same_id(company: Company, receiver: HttpPeer) -> None:
    """After an error of the receiver the event comes again within seconds, under the same id; the log says so (E2)."""
    receiver.answer = lambda _: (500, b"{}") if not receiver.requests else (200, b"{}")
    hook = subscribe(company, receiver, "support.ticket.created.v1")
    company.opened_by_mail()
    first, second = receiver.wait_for(anything, 2)
    path = f"/v1/webhooks/{hook['id']}/deliveries"
    (entry,) = until(lambda: [one for one in company.owner.get(path)["items"] if one["state"] == "delivered"])

    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    assert (entry["attempt"], entry["last_status"]) == (2, 200)


def test_a_receiver_that_never_answers_holds_up_nobody_else(
    company: Company, shared_company: Company, receiver: HttpPeer
) -> None:
    """While one account's receiver hangs, another account's webhooks arrive at once (E2)."""
    let_go = threading.Event()

    def hang(_request: Request) -> tuple[int, bytes]:
        let_go.wait(_HANG_SECONDS)
        return 200, b"{}"

    with HttpPeer(hang) as hanging:
        subscribe(company, hanging, "support.ticket.*")
        other = subscribe(shared_company, receiver, "support.ticket.created.v1")
        company.opened_by_mail()
        hanging.connected.wait(_HANG_SECONDS)
        shared_company.opened_by_mail()
        arrived = receiver.wait_for(anything)
        still_hangs = not hanging.requests
        let_go.set()
    shared_company.owner.delete(f"/v1/webhooks/{other['id']}")

    assert len(arrived) == 1
    assert still_hangs


def test_webhooks_are_kept_without_their_secret(shared_company: Company) -> None:
    """A webhook's secret is shown once; it can be read, changed and deleted (E2)."""
    owner = shared_company.owner
    made = owner.post("/v1/webhooks", {"url": "https://crm.example/hook", "events": ["support.ticket.*"]})
    listed = owner.get("/v1/webhooks")["items"]
    changed = owner.patch(f"/v1/webhooks/{made['id']}", {"events": ["support.ticket.closed.v1"]})
    senseless = owner.refused("POST", "/v1/webhooks", {"url": "ftp://crm.example", "events": ["support.ticket.*"]})
    owner.delete(f"/v1/webhooks/{made['id']}")

    assert made["secret"] not in str(listed)
    assert "secret" not in changed
    assert changed["events"] == ["support.ticket.closed.v1"]
    assert senseless.status == 422
    assert owner.refused("GET", f"/v1/webhooks/{made['id']}").status == 404


def test_what_left_is_listed(shared_company: Company) -> None:
    """`/v1/deliveries` has every outgoing message with its state, narrowed by ticket and state (I8)."""
    company = shared_company
    customer = company.customer()
    ticket = company.opened_by_mail(customer)
    company.reply_and_get_mail(ticket["id"], customer)
    message = company.messages(ticket["id"])[-1]
    query = {"ticket": ticket["id"], "state": "sent"}
    (delivery,) = until(lambda: company.owner.get("/v1/deliveries", **query)["items"])

    assert (delivery["ticket_id"], delivery["message_id"]) == (ticket["id"], message["id"])
    assert (delivery["channel"], delivery["attempt"]) == ("email", 1)
    assert company.owner.get("/v1/deliveries", ticket=ticket["id"], state="failed")["items"] == []
