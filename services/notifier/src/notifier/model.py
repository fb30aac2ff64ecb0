"""What notifier keeps of everything that leaves."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from contracts.deliveries import DeliveryState
from contracts.envelope import UtcDatetime
from contracts.outbound import OutboundMessageRequested
from contracts.people import Channel
from service_kit.docstore import Document
from service_kit.outbox import Outboxed
from service_kit.timers import Timed


class Copy(BaseModel):
    """Somebody in copy of a mail, and how they stand; `reason` is the other side's own words."""

    model_config = ConfigDict(frozen=True)

    address: str
    state: Literal["queued", "sent", "failed"]
    reason: str | None = None


class Delivery(Outboxed, Timed):
    """One outgoing message on its way; its id derives from the message, so that it exists once.

    `state` is about the customer; `copies` are those in copy of a mail that were tried, or never will be.

    `is_sending` is written before the other side is asked, so that a crash in between is known afterwards. It stays
    while an attempt may have been accepted whose answer never came.
    `attempt` counts from 1; 0 before the first. `traceparent`: what asked for it.
    """

    account_id: str
    ticket_id: str | None
    message_id: str
    channel: Channel
    state: DeliveryState = "queued"
    reason: str | None = None
    provider_id: str | None = None
    attempt: int = 0
    is_sending: bool = False
    copies: tuple[Copy, ...] = ()
    created_at: UtcDatetime
    updated_at: UtcDatetime
    request: OutboundMessageRequested
    traceparent: str | None = None

    @property
    def is_told(self) -> bool:
        """Whether it is known what became of it for the customer; only people in copy may still wait."""
        return self.state != "queued"

    @property
    def contact_key(self) -> str:
        """Whom it is for, as they are addressed on its channel."""
        return self.request.contact_key.strip().lower()


SuppressionScope = Literal["all", "automatic"]
"""Public contract: no mail at all, because it bounced for good; or none that a machine wrote, because they said so."""


class Suppression(Document):
    """An address of a customer that mail is not sent to any more (X7).

    The id derives from account, address and scope. `reason` is the other server's own words, or `unsubscribed`;
    `message_id` names the mail of ours that bounced or was answered so.
    """

    account_id: str
    address: str
    scope: SuppressionScope = "all"
    reason: str
    message_id: str
    ticket_id: str | None
    created_at: UtcDatetime


class ShortLink(Document):
    """A link in an outgoing SMS (M8); its id is the code. `clicks` counts redirects."""

    account_id: str
    url: str
    clicks: int = 0
    created_at: UtcDatetime
