"""How a conversation changes. Pure."""

from datetime import timedelta

from contracts.ids import derive_id
from contracts.inbound import ChatDetails, InboundMessageReceived
from contracts.people import Party
from service_kit.timers import with_due, without_due
from webchat_gateway.follow_up import FOLLOW_UP
from webchat_gateway.model import ChatMessage, Conversation


def answered(conversation: Conversation, message: ChatMessage, wait: timedelta) -> Conversation:
    """The visitor was answered; unless they see it within `wait`, a follow-up is due, once per conversation."""
    if message.seq <= conversation.last_reply_seq:
        return conversation
    changed = conversation.model_copy(update={"last_reply_seq": message.seq})
    if conversation.followed_up or message.author != "agent":
        return changed
    return with_due(changed, FOLLOW_UP, message.at + wait)


def delivered(conversation: Conversation, seq: int) -> Conversation:
    """A socket showed everything up to `seq`; a follow-up about it is off."""
    if seq <= conversation.delivered_seq:
        return conversation
    changed = conversation.model_copy(update={"delivered_seq": seq})
    return without_due(changed, FOLLOW_UP) if seq >= conversation.last_reply_seq else changed


def received(conversation: Conversation, message: ChatMessage) -> InboundMessageReceived:
    """A visitor's message as tickets takes it; the same for every time it is published."""
    return InboundMessageReceived(
        id=derive_id("dlv", message.id),
        account_id=conversation.account_id,
        time=message.at,
        message_id=derive_id("msg", conversation.account_id, conversation.id, message.client_key),
        provider_message_id=f"{conversation.id}/{message.client_key}",
        channel="web_chat",
        contact_key=conversation.visitor_id,
        sender=Party(name=conversation.name, visitor_id=conversation.visitor_id),
        recipient="chat",
        text=message.text,
        received_at=message.at,
        chat=ChatDetails(
            conversation_id=conversation.id, conversation_seq=message.seq, follow_up_of=conversation.follow_up_of
        ),
    )
