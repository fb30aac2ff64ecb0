"""Following a redaction (N1): the message stays in its place in the conversation, empty."""

from contracts.ids import derive_id
from contracts.tickets import TicketMessageRedacted
from service_kit.docstore import Fate
from service_kit.errors import TransientError
from service_kit.fan_out import FanOut
from webchat_gateway.model import DESK_KEY, VISITOR_KEY, ChatMessage
from webchat_gateway.store import ChatStore


class ChatRedaction:
    """What the gateway does when an admin took a message's text away."""

    def __init__(self, store: ChatStore, fan_out: FanOut) -> None:
        self._store = store
        self._fan_out = fan_out

    async def follow(self, event: TicketMessageRedacted) -> None:
        """Empty the message, wherever it has been shown; again changes nothing.

        Raises:
            TransientError: it changed meanwhile; the event comes again.
        """
        conversation = await self._store.of_ticket(event.account_id, event.message_ticket_id)
        if conversation is None:
            return
        said = await self._store.everything(conversation.id)
        meant = [one for one in said if one.text and tells(one, event.message_id)]
        emptied = [one.model_copy(update={"text": "", "outbox": (), "outbox_since": None}) for one in meant]
        if any(fate is not Fate.DONE for fate in await self._store.replace_messages(emptied)):
            raise TransientError(f"messages of conversation {conversation.id} changed meanwhile")
        if emptied:
            await self._fan_out.nudge(conversation.id)


def tells(message: ChatMessage, message_id: str) -> bool:
    """Whether tickets knows the message by this id."""
    if message.sender_key.startswith(DESK_KEY):
        return message.sender_key == f"{DESK_KEY}{message_id}"
    client_id = message.sender_key.removeprefix(VISITOR_KEY)
    return derive_id("msg", message.account_id, message.conversation_id, client_id) == message_id
