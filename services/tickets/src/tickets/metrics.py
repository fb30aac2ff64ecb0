"""How deliveries of messages end, in and out."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter

from contracts.deliveries import DeliveryUpdated
from tickets.ledger.intake_entry import IntakeEntry


class TicketMetrics:
    """Counters of one service instance."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._verdicts = Counter(
            "tickets_intake_verdicts",
            "Deliveries entered in the intake ledger, each once.",
            ("channel", "verdict"),
            registry=registry,
        )
        self._delivery_reports = Counter(
            "tickets_delivery_reports",
            "Reports on what was sent to customers; what is told twice counts twice.",
            ("channel", "state"),
            registry=registry,
        )

    def count_verdicts(self, entries: Iterable[IntakeEntry]) -> None:
        """These deliveries have ended."""
        for entry in entries:
            self._verdicts.labels(entry.channel, entry.verdict).inc()

    def count_delivery_reports(self, reports: Iterable[DeliveryUpdated]) -> None:
        """These were told."""
        for report in reports:
            self._delivery_reports.labels(report.channel, report.state).inc()
