"""How much mail comes in, and what becomes of it."""

from prometheus_client import CollectorRegistry, Counter


class MailMetrics:
    """Counters of one service instance."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.deliveries = Counter(
            "ingest_email_deliveries_total", "Mails offered at the SMTP door.", ["outcome"], registry=registry
        )
        self.webhooks = Counter(
            "ingest_email_webhooks_total", "Calls of mail providers.", ["provider", "outcome"], registry=registry
        )
        self.parsed = Counter(
            "ingest_email_parsed_total", "Accepted mails that were parsed.", ["outcome"], registry=registry
        )
