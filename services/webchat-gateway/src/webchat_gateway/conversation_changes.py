"""How a conversation begins and changes. Pure."""

from datetime import datetime, timedelta

from contracts.ids import derive_id
from service_kit.timers import with_due, without_due
from webchat_gateway.follow_up import FOLLOW_UP
from webchat_gateway.model import ChatMessage, Conversation


def fresh(account_id: str, conversation_id: str, now: datetime) -> Conversation:
    """A conversation in which nothing was said; the same visitor for the same id."""
    return Conversation(
        id=conversation_id,
        account_id=account_id,
        visitor_id=derive_id("vis", account_id, conversation_id),
        created_at=now,
    )


def following(before: Conversation, conversation_id: str, *, spoken: bool, now: datetime) -> Conversation:
    """Another conversation of the same visitor, linked to the one before, or past it if nobody had `spoken` there."""
    return Conversation(
        id=conversation_id,
        account_id=before.account_id,
        visitor_id=before.visitor_id,
        follow_up_of=before.id if spoken else before.follow_up_of,
        name=before.name,
        email=before.email,
        created_at=now,
    )


def profiled(conversation: Conversation, name: str | None, email: str | None) -> Conversation:
    """With what the visitor said of themselves; what was not said stays."""
    return conversation.model_copy(update={"name": name or conversation.name, "email": email or conversation.email})


def owned(conversation: Conversation, ticket_id: str, since: datetime) -> Conversation:
    """The conversation is this ticket, unless a newer one has taken over already."""
    if ticket_id == conversation.ticket_id or (conversation.ticket_since and since < conversation.ticket_since):
        return conversation
    return conversation.model_copy(update={"ticket_id": ticket_id, "ticket_since": since, "closed": False})


def ended(conversation: Conversation, ticket_id: str) -> Conversation:
    """The ticket was closed; the conversation is over, unless it goes on as another ticket."""
    return conversation.model_copy(update={"closed": True}) if conversation.ticket_id == ticket_id else conversation


def answered(conversation: Conversation, message: ChatMessage, wait: timedelta) -> Conversation:
    """An agent answered; unless the visitor sees it within `wait`, a follow-up is due, once per conversation."""
    if message.author != "agent" or message.seq <= conversation.last_reply_seq:
        return conversation
    changed = conversation.model_copy(update={"last_reply_seq": message.seq})
    return changed if conversation.followed_up else with_due(changed, FOLLOW_UP, message.at + wait)


def delivered(conversation: Conversation, seq: int) -> Conversation:
    """A socket was given everything up to `seq`; a follow-up about it is off."""
    if seq <= conversation.delivered_seq:
        return conversation
    changed = conversation.model_copy(update={"delivered_seq": seq})
    return without_due(changed, FOLLOW_UP) if seq >= conversation.last_reply_seq else changed


def doubted(conversation: Conversation, sure_seq: int, due_at: datetime) -> Conversation:
    """A socket broke, and only what it was given up to `sure_seq` has surely arrived; about the rest a mail is due."""
    if conversation.delivered_seq <= sure_seq:
        return conversation
    changed = conversation.model_copy(update={"delivered_seq": sure_seq})
    if conversation.followed_up or conversation.last_reply_seq <= sure_seq:
        return changed
    return with_due(changed, FOLLOW_UP, due_at)
