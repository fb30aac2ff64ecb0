"""Every query of the gateway."""

from collections.abc import Sequence

from contracts.ids import derive_id
from service_kit.docstore import All, Cmp, Collection, CollectionSpec, DocStore, Eq, Fate, Index, Sort
from webchat_gateway.model import ChatMessage, Conversation

_MOST_AT_ONCE = 200
_CONVERSATIONS = CollectionSpec(
    name="conversations",
    model=Conversation,
    indexes=(Index(("ticket_id",)), Index(("due_at",)), Index(("outbox_since",))),
)
_MESSAGES = CollectionSpec(
    name="messages",
    model=ChatMessage,
    indexes=(
        Index(("conversation_id", "seq")),
        Index(("conversation_id", "client_key"), unique=True),
        Index(("outbox_since",)),
    ),
)


def message_id(conversation_id: str, seq: int) -> str:
    """The id of a conversation's n-th message."""
    return derive_id("chm", conversation_id, str(seq))


class ChatStore:
    """Conversations and their messages."""

    def __init__(self, store: DocStore) -> None:
        self.conversations: Collection[Conversation] = store.collection(_CONVERSATIONS)
        self.messages: Collection[ChatMessage] = store.collection(_MESSAGES)

    async def conversation(self, conversation_id: str) -> Conversation | None:
        """One conversation."""
        return await self.conversations.get(conversation_id)

    async def of_ticket(self, ticket_id: str) -> Conversation | None:
        """The conversation behind a ticket."""
        page = await self.conversations.find(Eq("ticket_id", ticket_id), limit=1)
        return page.items[0] if page.items else None

    async def add_conversation(self, conversation: Conversation) -> None:
        """Begin a conversation; beginning it again changes nothing."""
        await self.conversations.insert_many([conversation])

    async def replace(self, conversation: Conversation) -> Conversation | None:
        """The conversation as stored now, or None when somebody else changed it meanwhile."""
        if (await self.conversations.replace_many([conversation]))[0] is not Fate.DONE:
            return None
        return conversation.model_copy(update={"rev": conversation.rev + 1})

    async def named(self, conversation_id: str, client_key: str) -> ChatMessage | None:
        """The message that somebody already sent under this name."""
        where = All(Eq("conversation_id", conversation_id), Eq("client_key", client_key))
        page = await self.messages.find(where, limit=1)
        return page.items[0] if page.items else None

    async def last_seq(self, conversation_id: str) -> int:
        """The number of the newest message; 0 before the first."""
        page = await self.messages.find(
            Eq("conversation_id", conversation_id), sort=Sort("seq", descending=True), limit=1
        )
        return page.items[0].seq if page.items else 0

    async def insert(self, message: ChatMessage) -> Fate:
        """Insert under the message's number: DONE, EXISTS (the number is taken) or CONFLICT (the name is)."""
        return (await self.messages.insert_many([message]))[0]

    async def after(self, conversation_id: str, seq: int) -> Sequence[ChatMessage]:
        """The messages behind `seq`, in order, some hundreds at most."""
        where = All(Eq("conversation_id", conversation_id), Cmp("seq", ">", seq))
        return (await self.messages.find(where, sort=Sort("seq"), limit=_MOST_AT_ONCE)).items
