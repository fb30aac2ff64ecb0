"""One message seen in its traces: from the SMTP door to a webhook, and the answer from the API to the mail relay."""

from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from end_to_end.company import Company
from end_to_end.http_peer import HttpPeer
from end_to_end.process import DeskbusProcess, free_ports
from end_to_end.relay import Relay
from end_to_end.spans import Seen, spans_sent_to
from end_to_end.until import until
from end_to_end.valkey_streams import ValkeyStreams

TIMEOUT_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Traced:
    """What a collector got of a mail that was assigned, told to a webhook, and answered."""

    ticket_id: str
    spans: list[Seen]

    def trace_of(self, name: str) -> list[Seen]:
        """The spans of the first trace that begins so."""
        first = next(span for span in self.spans if span.name == name and not span.parent_id)
        return [span for span in self.spans if span.trace_id == first.trace_id]


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traced]:
    """Sent through a system of its own, whose spans leave for a collector."""
    (relay_port,) = free_ports(1)
    home = tmp_path_factory.mktemp("traces") / "home"
    with HttpPeer() as collector, HttpPeer() as receiver, Relay(relay_port) as relay:
        process = DeskbusProcess(
            home,
            smtp_relay_url=f"smtp://127.0.0.1:{relay_port}",
            allow_private_urls=1,
            otlp_endpoint=collector.url,
        )
        process.environment["OTEL_BSP_SCHEDULE_DELAY"] = "100"
        process.start()
        try:
            process.wait_until_ready()
            streams = ValkeyStreams((home / "engine.url").read_text())
            with httpx.Client(base_url=process.base_url, timeout=30) as client, streams as bus:
                company = Company(process.owner(), client, process, relay, receiver, bus)
                company.agent(online=True)
                company.owner.post("/v1/webhooks", {"url": receiver.url, "events": ["support.ticket.assigned*"]})
                ticket = company.opened_by_mail("carl@customer.example")
                company.assigned(ticket["id"])
                until(lambda: receiver.requests)
                company.reply_and_get_mail(ticket["id"], "carl@customer.example")
            process.stop()
        finally:
            process.close()
        yield Traced(ticket["id"], spans_sent_to(collector))


@pytest.mark.timeout(TIMEOUT_SECONDS)
def test_a_mail_is_one_trace_from_the_door_to_the_webhook(traced: Traced) -> None:
    """Every service that a mail passes goes on with the trace that began when SMTP took it."""
    names = [span.name for span in traced.trace_of("accept mail")]

    assert {
        "process inbound-mail-raw-v1",
        "process inbound-messages-v1",
        "process ticket-events-v1",
        "process routing-requests-v1",
        "process assignment-decisions-v1",
        "send webhook",
    } <= set(names)


@pytest.mark.timeout(TIMEOUT_SECONDS)
def test_a_reply_is_one_trace_from_the_api_to_the_relay(traced: Traced) -> None:
    """The other half: from the agent's request to the mail that left, both findable by the ticket."""
    trace = traced.trace_of("POST /v1/tickets/{ticket_id}/messages")
    about = {span.name: span.attributes.get("deskbus.ticket_id") for span in trace}

    assert {"process outbound-messages-v1", "send email", "process delivery-events-v1"} <= set(about)
    assert about["POST /v1/tickets/{ticket_id}/messages"] == traced.ticket_id
    assert about["send email"] == traced.ticket_id


@pytest.mark.timeout(TIMEOUT_SECONDS)
def test_a_span_never_tells_an_address(traced: Traced) -> None:
    """A request is told by its route: paths and queries carry tokens and words that were searched."""
    told = {name for span in traced.spans for name in span.attributes}

    assert "http.route" in told
    assert not [name for name in told if name.startswith("url.")]
