"""Who wrote, and which thread a message belongs to by its channel. Pure."""

from collections.abc import Mapping

from contracts.inbound import InboundMessageReceived
from contracts.people import Channel
from tickets.contacts.contact_model import Contact, Identity, IdentityKind
from tickets.contacts.contacts import identity, introduced, with_profile
from tickets.writing.conversation import sender_value

_KINDS: Mapping[Channel, IdentityKind] = {"email": "email", "sms": "phone", "web_chat": "visitor"}


def sender_identity(event: InboundMessageReceived) -> Identity:
    """How the sender is known; a visitor only by the visitor's id, whatever address they typed."""
    return identity(event.account_id, _KINDS[event.channel], sender_value(event))


def presented(contact: Contact, event: InboundMessageReceived) -> Contact:
    """The contact as the sender of a message presents themselves; what a visitor typed is not verified."""
    if event.chat is not None:
        contact = with_profile(contact, event.sender.name, event.sender.email)
    return introduced(contact, event.sender.name)


def thread_key(event: InboundMessageReceived, contact_id: str) -> str:
    """The thread a message belongs to by its channel.

    One for each person by SMS (M3), one for each conversation in chats (W2), and for mail its own: there only the
    matcher knows.
    """
    if event.sms is not None:
        return sms_key(contact_id)
    if event.chat is not None:
        return chat_key(event.chat.conversation_id)
    return f"mail/{event.message_id}"


def sms_key(contact_id: str) -> str:
    """The thread of a person's SMS."""
    return f"sms/{contact_id}"


def chat_key(conversation_id: str) -> str:
    """The thread of a conversation."""
    return f"chat/{conversation_id}"
