"""The document of the intake ledger: how each delivery ended."""

from contracts.envelope import UtcDatetime
from contracts.intake import Verdict
from contracts.people import Channel
from service_kit.docstore import CollectionSpec, Document, Index


class IntakeEntry(Document):
    """How one delivery of a provider message ended (I2); the id is the delivery's, so that it ends once."""

    account_id: str
    channel: Channel
    provider_message_id: str
    mailbox: str
    verdict: Verdict
    rule: str
    reason: str | None = None
    ticket_id: str | None = None
    raw_blob_key: str | None = None
    received_at: UtcDatetime


INTAKE = CollectionSpec(
    name="intake_ledger",
    model=IntakeEntry,
    indexes=(
        Index(("account_id", "received_at")),
        Index(("account_id", "verdict", "received_at")),
        Index(("account_id", "mailbox", "received_at")),
        Index(("account_id", "mailbox", "verdict", "received_at")),
        Index(("account_id", "provider_message_id")),
        Index(("account_id", "channel", "received_at")),
    ),
)
