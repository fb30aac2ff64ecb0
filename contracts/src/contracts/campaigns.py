"""Marketing messages that outside systems sent, so that answers to them can be attributed (M10)."""

from typing import ClassVar, Literal

from contracts.envelope import Event, UtcDatetime


class CampaignMessageSent(Event):
    """A campaign or flow SMS left for `phone` (E.164)."""

    key_field: ClassVar[str] = "phone"

    type: Literal["support.campaign.message_sent.v1"] = "support.campaign.message_sent.v1"
    phone: str
    channel: Literal["sms"] = "sms"
    campaign_id: str
    sent_at: UtcDatetime
