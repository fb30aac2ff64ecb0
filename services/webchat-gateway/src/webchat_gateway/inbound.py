"""What the gateway tells tickets of a visitor. Pure: the same event however often it is published."""

from datetime import datetime

from contracts.ids import derive_id
from contracts.inbound import ChatDetails, ContactProfileGiven, InboundMessageReceived
from contracts.people import Party
from webchat_gateway.model import VISITOR_KEY, ChatMessage, Conversation


def message_received(conversation: Conversation, message: ChatMessage) -> InboundMessageReceived:
    """A visitor's message. Name and email go with it, so that a profile which was not told yet is made up for."""
    client_id = message.sender_key.removeprefix(VISITOR_KEY)
    return InboundMessageReceived(
        id=derive_id("dlv", message.id),
        account_id=conversation.account_id,
        time=message.at,
        message_id=derive_id("msg", conversation.account_id, conversation.id, client_id),
        provider_message_id=f"{conversation.id}/{client_id}",
        channel="web_chat",
        contact_key=conversation.visitor_id,
        sender=Party(name=conversation.name, email=conversation.email, visitor_id=conversation.visitor_id),
        recipient="chat",
        text=message.text,
        received_at=message.at,
        chat=ChatDetails(
            conversation_id=conversation.id, conversation_seq=message.seq, follow_up_of=conversation.follow_up_of
        ),
    )


def profile_given(conversation: Conversation, event_id: str, now: datetime) -> ContactProfileGiven:
    """What the visitor filled into the form, as it now is."""
    return ContactProfileGiven(
        id=event_id,
        account_id=conversation.account_id,
        time=now,
        contact_key=conversation.visitor_id,
        conversation_id=conversation.id,
        visitor_id=conversation.visitor_id,
        name=conversation.name,
        email=conversation.email,
    )
