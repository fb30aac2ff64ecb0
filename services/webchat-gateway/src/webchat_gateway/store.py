"""Every query of the gateway."""

from collections.abc import Iterable, Sequence

from contracts.ids import derive_id
from service_kit.docstore import All, Cmp, Collection, CollectionSpec, DocStore, Eq, Fate, In, Index, Ne, Sort
from service_kit.docstore.every_page import every
from webchat_gateway.model import ChatMessage, Conversation

_PAGE = 200
_CONVERSATIONS = CollectionSpec(
    name="conversations",
    model=Conversation,
    indexes=(
        Index(("ticket_id",)),
        Index(("account_id", "visitor_id")),
        Index(("due_at",)),
        Index(("outbox_since",)),
    ),
)
_MESSAGES = CollectionSpec(
    name="messages",
    model=ChatMessage,
    indexes=(
        Index(("conversation_id", "seq")),
        Index(("conversation_id", "sender_key"), unique=True),
        Index(("conversation_id", "outbox_since")),
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

    async def of_ticket(self, account_id: str, ticket_id: str) -> Conversation | None:
        """The conversation behind a ticket."""
        page = await self.conversations.find(Eq("ticket_id", ticket_id), limit=1)
        return next((one for one in page.items if one.account_id == account_id), None)

    async def keep(self, conversation: Conversation) -> Conversation:
        """The conversation as stored; this one, if it was not stored yet."""
        if (await self.conversations.insert_many([conversation]))[0] is Fate.DONE:
            return conversation.model_copy(update={"rev": 1})
        return await self.conversations.get(conversation.id) or conversation

    async def replace(self, conversation: Conversation) -> Conversation | None:
        """The conversation as stored now, or None when somebody else changed it meanwhile."""
        if (await self.conversations.replace_many([conversation]))[0] is not Fate.DONE:
            return None
        return conversation.model_copy(update={"rev": conversation.rev + 1})

    async def sent_as(self, conversation_id: str, sender_key: str) -> ChatMessage | None:
        """The message that was already sent under this name."""
        where = All(Eq("conversation_id", conversation_id), Eq("sender_key", sender_key))
        page = await self.messages.find(where, limit=1)
        return page.items[0] if page.items else None

    async def newest(self, conversation_id: str) -> ChatMessage | None:
        """The message with the highest number; None before the first."""
        page = await self.messages.find(
            Eq("conversation_id", conversation_id), sort=Sort("seq", descending=True), limit=1
        )
        return page.items[0] if page.items else None

    async def add(self, message: ChatMessage) -> ChatMessage | None:
        """The message as stored, or None when its number or its name is taken."""
        if (await self.messages.insert_many([message]))[0] is not Fate.DONE:
            return None
        return message.model_copy(update={"rev": 1})

    async def after(self, conversation_id: str, seq: int) -> Sequence[ChatMessage]:
        """The first messages behind `seq`, in order."""
        where = All(Eq("conversation_id", conversation_id), Cmp("seq", ">", seq))
        return (await self.messages.find(where, sort=Sort("seq"), limit=_PAGE)).items

    async def unpublished(self, conversation_id: str) -> Sequence[ChatMessage]:
        """The first messages that the bus is not known to have, in order: `outbox_since` rises with `seq`."""
        where = All(Eq("conversation_id", conversation_id), Ne("outbox_since", None))
        return (await self.messages.find(where, sort=Sort("outbox_since"), limit=_PAGE)).items

    async def of_customer(
        self, account_id: str, ticket_ids: Iterable[str], visitor_ids: Iterable[str]
    ) -> Sequence[Conversation]:
        """The conversations behind tickets, and all those of visitors."""
        mine = Eq("account_id", account_id)
        behind = await every(self.conversations, All(In("ticket_id", tuple(ticket_ids)), mine))
        visited = await every(self.conversations, All(mine, In("visitor_id", tuple(visitor_ids))))
        return list({one.id: one for one in (*behind, *visited)}.values())

    async def everything(self, conversation_id: str) -> Sequence[ChatMessage]:
        """Every message of a conversation."""
        return await every(self.messages, Eq("conversation_id", conversation_id))

    async def replace_messages(self, messages: Sequence[ChatMessage]) -> Sequence[Fate]:
        """Change messages; their fates in order."""
        return await self.messages.replace_many(messages) if messages else ()
