from typing import Any

from contracts.deliveries import DeliveryUpdated
from contracts.ids import new_id
from contracts.outbound import OutboundMessageRequested
from service_kit.testing.eventually import eventually


async def test_verdicts_are_counted_once_each(bench: Any):
    """A delivery counts under its verdict, and not again however often it comes (I2)."""
    first = bench.inbox.mail()
    await bench.receive(first)
    await bench.receive(first, bench.inbox.mail())

    def counted(verdict: str) -> float | None:
        labels = {"channel": "email", "verdict": verdict}
        value: float | None = bench.platform.metrics.get_sample_value("tickets_intake_verdicts_total", labels)
        return value

    assert counted("created") == 2
    assert counted("duplicate") is None


async def test_reports_on_deliveries_are_counted(bench: Any):
    """Whoever operates the service sees how much of what leaves fails."""
    [entry] = await bench.receive(bench.inbox.mail())
    await bench.do("POST", f"/v1/tickets/{entry.ticket_id}/messages", {"text": "Hi"})
    [request] = await bench.hear(OutboundMessageRequested)
    report = DeliveryUpdated(
        id=new_id("evt"),
        account_id="acc_1",
        time=bench.clock.now(),
        subject_id=request.ticket_id,
        delivery_id="dly_1",
        message_id=request.message_id,
        ticket_id=request.ticket_id,
        channel="email",
        state="failed",
    )
    await bench.platform.bus.publish([report])
    labels = {"channel": "email", "state": "failed"}
    metrics = bench.platform.metrics

    await eventually(lambda: metrics.get_sample_value("tickets_delivery_reports_total", labels) == 1)
