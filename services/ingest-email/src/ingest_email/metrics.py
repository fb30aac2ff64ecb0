"""How much mail comes in, and what becomes of it."""

from prometheus_client import CollectorRegistry, Counter, Gauge


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
        self.imap_mails = Counter(
            "ingest_email_imap_mails_total", "Mails found in mailboxes.", ["outcome"], registry=registry
        )
        self.imap_failures = Counter(
            "ingest_email_imap_failures_total", "Ends of reading a mailbox, by code.", ["code"], registry=registry
        )
        self.imap_mailboxes = Gauge(
            "ingest_email_imap_mailboxes", "Mailboxes that this replica reads.", ["state"], registry=registry
        )
        self.imap_unseen = Gauge(
            "ingest_email_imap_unseen_seconds",
            "How long ago the mailbox that is worst off was last seen without new mail.",
            registry=registry,
        )
