"""What became of outgoing messages."""

from typing import ClassVar, Literal

from contracts.envelope import Event
from contracts.people import Channel

DeliveryState = Literal["queued", "sent", "delivered", "failed", "uncertain"]
"""Public contract. `uncertain`: the other side may have taken it twice (SMTP, Twilio), under the same Message-ID."""


class DeliveryUpdated(Event):
    """A delivery changed its state. `attempt` counts from 1; `provider_id` is the other side's name for it."""

    key_field: ClassVar[str] = "subject_id"

    type: Literal["support.delivery.updated.v1"] = "support.delivery.updated.v1"
    subject_id: str
    delivery_id: str
    message_id: str
    ticket_id: str | None = None
    channel: Channel
    state: DeliveryState
    reason: str | None = None
    provider_id: str | None = None
    attempt: int = 1
