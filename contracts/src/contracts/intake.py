"""Verdicts: how each delivery of a provider message ended (I2)."""

from typing import ClassVar, Literal

from contracts.envelope import Event, UtcDatetime
from contracts.people import Channel

Verdict = Literal[
    "created",
    "appended",
    "reopened",
    "duplicate",
    "keyword",
    "blocked",
    "automatic",
    "quarantined",
]
"""Public contract: every delivery ends in exactly one of these."""


class IntakeVerdictRecorded(Event):
    """A gateway ended a delivery without handing a message over (quarantined, keyword).

    Verdicts of messages that were handed over are written by tickets itself, with the message.
    `mailbox` is our address or number the message was sent to; `reason` explains `quarantined`.
    """

    key_field: ClassVar[str] = "provider_message_id"

    type: Literal["support.intake.verdict_recorded.v1"] = "support.intake.verdict_recorded.v1"
    delivery_id: str
    provider_message_id: str
    channel: Channel
    mailbox: str
    verdict: Verdict
    rule: str
    reason: str | None = None
    ticket_id: str | None = None
    received_at: UtcDatetime
