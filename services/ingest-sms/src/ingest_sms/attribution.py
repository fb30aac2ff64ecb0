"""Which campaign an inbound SMS answers (M10). Pure."""

from datetime import datetime, timedelta

from contracts.envelope import Shape, UtcDatetime

_MOST_SENDS = 20


class CampaignSend(Shape):
    """One campaign message to one number, and the inbound message that was attributed to it, if any."""

    campaign_id: str
    sent_at: UtcDatetime
    answered_by: str | None = None


Sends = tuple[CampaignSend, ...]


def with_send(sends: Sends, campaign_id: str, sent_at: datetime) -> Sends:
    """The sends with one more, oldest first, bounded; the same one again changes nothing."""
    if any(send.campaign_id == campaign_id and send.sent_at == sent_at for send in sends):
        return sends
    fresh = (*sends, CampaignSend(campaign_id=campaign_id, sent_at=sent_at))
    return tuple(sorted(fresh, key=lambda send: send.sent_at))[-_MOST_SENDS:]


def attribute(sends: Sends, message_id: str, received_at: datetime, window: timedelta) -> tuple[Sends, str | None]:
    """The campaign this message answers, and the sends with that remembered.

    The last campaign before the message counts, within the window, and only for the first message after it; the same
    message asked about again gets the same answer.
    """
    already = next((send for send in sends if send.answered_by == message_id), None)
    if already is not None:
        return sends, already.campaign_id
    earlier = [send for send in sends if send.sent_at <= received_at]
    if not earlier:
        return sends, None
    last = earlier[-1]
    if last.answered_by is not None or received_at - last.sent_at > window:
        return sends, None
    answered = last.model_copy(update={"answered_by": message_id})
    return tuple(answered if send is last else send for send in sends), last.campaign_id
