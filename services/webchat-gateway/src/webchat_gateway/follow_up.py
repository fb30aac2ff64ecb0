"""The one mail to a visitor who left before our answer (W4). Pure."""

from collections.abc import Sequence
from datetime import datetime

from pydantic_core import to_json

from contracts.ids import derive_id
from contracts.outbound import MailThreading, OutboundMessageRequested
from contracts.people import Party
from contracts.settings import ChatSettings
from webchat_gateway.model import ChatMessage, Conversation

FOLLOW_UP = "follow_up"
MOST_BYTES = 200_000
"""Of what was missed, as JSON: the mail must fit one record of the bus, and all of it can be read in the chat."""

_GREETING = "You left before we answered:"
_MORE = "There is more: come back to the chat to read all of it."


def is_wanted(conversation: Conversation, settings: ChatSettings) -> bool:
    """Whether something was missed, nobody was told yet, and there is an address to tell and one to tell from."""
    missed = conversation.delivered_seq < conversation.last_reply_seq
    return bool(missed and not conversation.followed_up and conversation.email and settings.support_address)


def follow_up_mail(
    conversation: Conversation, unseen: Sequence[ChatMessage], settings: ChatSettings, now: datetime
) -> OutboundMessageRequested:
    """What was missed, as a mail from the support address; an answer to it is a ticket of its own."""
    message_id = derive_id("msg", conversation.id, FOLLOW_UP)
    domain = settings.support_address.partition("@")[2]
    missed = [message.text for message in unseen if message.author != "visitor"]
    return OutboundMessageRequested(
        id=derive_id("evt", message_id),
        account_id=conversation.account_id,
        time=now,
        message_id=message_id,
        ticket_id=conversation.ticket_id,
        channel="email",
        purpose="follow_up",
        contact_key=conversation.email or "",
        recipient=Party(name=conversation.name, email=conversation.email),
        sender=settings.support_address,
        subject="We answered your chat",
        text=_text(missed),
        mail=MailThreading(message_id=f"{message_id}@{domain}"),
    )


def _text(missed: Sequence[str]) -> str:
    """Whole messages, as many as fit, and that there are more where they do not."""
    told, size = [_GREETING], 0
    for text in missed:
        size += len(to_json(text))
        if size > MOST_BYTES:
            told.append(_MORE)
            break
        told.append(text)
    return "\n\n".join(told)
