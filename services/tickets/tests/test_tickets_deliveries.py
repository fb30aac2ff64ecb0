from typing import Any

from contracts.deliveries import DeliveryUpdated
from contracts.ids import new_id
from contracts.outbound import OutboundMessageRequested
from contracts.tickets import TicketDeliveryUpdated


async def _replied(bench: Any) -> OutboundMessageRequested:
    [entry] = await bench.receive(bench.inbox.mail())
    await bench.do("POST", f"/v1/tickets/{entry.ticket_id}/messages", {"text": "Hi"})
    [request] = await bench.hear(OutboundMessageRequested)
    assert isinstance(request, OutboundMessageRequested)
    return request


def _report(bench: Any, request: OutboundMessageRequested, state: str, **given: Any) -> DeliveryUpdated:
    fields = {
        "id": new_id("evt"),
        "account_id": "acc_1",
        "time": bench.clock.now(),
        "subject_id": request.ticket_id,
        "delivery_id": "dly_1",
        "message_id": request.message_id,
        "ticket_id": request.ticket_id,
        "channel": "email",
        "state": state,
    }
    return DeliveryUpdated.model_validate({**fields, **given})


async def test_a_message_shows_what_became_of_it(bench: Any):
    """A message begins queued; reports move it on, are told, and change no version (M11)."""
    request = await _replied(bench)
    path = f"/v1/tickets/{request.ticket_id}"
    version = (await bench.get(path))["version"]
    begun = (await bench.get(f"{path}/messages"))["items"][1]["delivery"]
    await bench.platform.bus.publish([_report(bench, request, "failed", reason="550 no such user")])
    [told] = await bench.hear(TicketDeliveryUpdated)
    ended = (await bench.get(f"{path}/messages"))["items"][1]["delivery"]

    assert (begun, ended) == (
        {"state": "queued", "reason": None},
        {"state": "failed", "reason": "550 no such user"},
    )
    assert (told.message_id, told.state) == (request.message_id, "failed")
    assert (await bench.get(path))["version"] == version


async def test_reports_out_of_order(bench: Any):
    """A message never goes back from delivered to sent, and the same report twice is told once (M11)."""
    request = await _replied(bench)
    await bench.platform.bus.publish([_report(bench, request, "delivered"), _report(bench, request, "sent")])
    await bench.hear(TicketDeliveryUpdated)
    await bench.platform.bus.publish([_report(bench, request, state) for state in ("sent", "delivered", "queued")])
    [other] = await bench.receive(bench.inbox.mail())
    await bench.do("POST", f"/v1/tickets/{other.ticket_id}/messages", {"text": "Hi"})
    _, second = await bench.hear(OutboundMessageRequested, count=2)
    await bench.platform.bus.publish([_report(bench, second, "sent")])
    told = await bench.hear(TicketDeliveryUpdated, count=2)

    assert [(event.message_id, event.state) for event in told] == [
        (request.message_id, "delivered"),
        (second.message_id, "sent"),
    ]


async def test_reports_about_messages_of_no_ticket(bench: Any):
    """Reports about messages that no ticket sent do not hold up the others."""
    request = await _replied(bench)
    foreign = [
        _report(bench, request, "sent", ticket_id=None, subject_id="msg_9"),
        _report(bench, request, "sent", message_id="msg_9"),
        _report(bench, request, "sent", ticket_id="tic_9"),
    ]
    await bench.platform.bus.publish([*foreign, _report(bench, request, "sent")])
    [told] = await bench.hear(TicketDeliveryUpdated)

    assert told.message_id == request.message_id
