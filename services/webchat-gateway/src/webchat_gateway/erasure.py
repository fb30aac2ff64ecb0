"""Forgetting a contact (S3): what was said in their conversations, and what they said of themselves.

Numbers and names of messages stay, empty, so that one that is sent again is still known as the same.
"""

from service_kit.docstore import Fate
from service_kit.erasure import ErasedContact
from service_kit.errors import TransientError
from service_kit.fan_out import FanOut
from service_kit.timers import without_due
from webchat_gateway.follow_up import FOLLOW_UP
from webchat_gateway.model import ChatMessage, Conversation
from webchat_gateway.store import ChatStore


class ChatErasure:
    """What the gateway does when a contact is to be forgotten."""

    def __init__(self, store: ChatStore, fan_out: FanOut) -> None:
        self._store = store
        self._fan_out = fan_out

    async def forget(self, contact: ErasedContact) -> int:
        """Empty their conversations, those that began before; how many documents that was."""
        found = await self._store.of_customer(
            contact.account_id, contact.ticket_ids, contact.identities.visitor_ids if contact.whole else ()
        )
        removed = 0
        for conversation in found:
            if conversation.created_at <= contact.at:
                removed += await self._empty(conversation)
        return removed

    async def _empty(self, conversation: Conversation) -> int:
        said = [one for one in await self._store.everything(conversation.id) if one.text]
        emptied = [] if conversation.is_erased else [_forgotten(conversation)]
        written = [await self._store.replace(one) is not None for one in emptied]
        fates = await self._store.replace_messages([_unsaid(message) for message in said])
        if not all(written) or any(fate is not Fate.DONE for fate in fates):
            raise TransientError(f"conversation {conversation.id} kept changing under us")
        await self._fan_out.nudge(conversation.id)
        return len(said) + len(emptied)


def _forgotten(conversation: Conversation) -> Conversation:
    quiet = without_due(conversation, FOLLOW_UP)
    return quiet.model_copy(
        update={
            "name": None,
            "email": None,
            "closed": True,
            "is_erased": True,
            "outbox": (),
            "outbox_since": None,
        }
    )


def _unsaid(message: ChatMessage) -> ChatMessage:
    return message.model_copy(update={"text": "", "outbox": (), "outbox_since": None})
