"""What mail servers report about messages of ours, as the tickets are told it (X7). Pure."""

from collections.abc import Iterator

from contracts.inbound import InboundMessageReceived
from tickets.ticket.mail_ids import OwnMail, SignedIds, clean_ids
from tickets.ticket.model import Delivery
from tickets.writing.delivery_state import DELAYED

_DELAY = "delivery_delayed"
_NOTICE = "delivery_notice"
"""Rules of ingest-email for reports of nobody's failure."""


def is_mail_report(event: InboundMessageReceived) -> bool:
    """Whether a mail server wrote it: that is never part of a conversation, and what it refers to must be signed."""
    mark = event.automatic
    return mark is not None and (mark.kind == "bounce" or mark.rule in (_DELAY, _NOTICE))


def reported_mails(event: InboundMessageReceived, signed: SignedIds) -> Iterator[tuple[OwnMail, Delivery]]:
    """The mails of ours that a report names, the newest first, and how they stand by it."""
    reported = _reported_delivery(event)
    if event.mail is None or reported is None:
        return
    for mail_id in clean_ids((*event.mail.in_reply_to, *reversed(event.mail.references))):
        if (own := signed.read_message_id(event.account_id, mail_id)) is not None:
            yield own, reported


def _reported_delivery(event: InboundMessageReceived) -> Delivery | None:
    """What a report says; None where that is nothing new. Late is not lost: it stays sent."""
    if event.automatic is None:
        return None
    if event.automatic.kind == "bounce":
        return Delivery(state="failed", reason="bounced")
    return Delivery(state="sent", reason=DELAYED) if event.automatic.rule == _DELAY else None
