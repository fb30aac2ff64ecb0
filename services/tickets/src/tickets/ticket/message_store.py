"""Every query for messages."""

from collections.abc import Iterable, Mapping, Sequence

from service_kit.docstore import All, Cmp, Collection, DocStore, Eq, Has, Page, Sort
from tickets.ticket.model import MESSAGES, Message
from tickets.ticket.stored import Written, written

_PAGE = 1_000
_OF_TICKET = 200


class MessageStore:
    """Messages in the document store."""

    def __init__(self, store: DocStore) -> None:
        self._messages: Collection[Message] = store.collection(MESSAGES)
        self._inserted: dict[str, Message] = {}

    async def get_many(self, ids: Iterable[str]) -> Mapping[str, Message]:
        """Those that exist, in one read."""
        return await self._messages.get_many(ids)

    async def before(self, ticket_id: str, seq: int, *, limit: int) -> Page[Message]:
        """Messages that the ticket counts before one place, newest first."""
        where = All(Eq("ticket_id", ticket_id), Cmp("seq", ">", 0), Cmp("seq", "<", seq))
        return await self._messages.find(where, sort=Sort("seq", descending=True), limit=limit)

    async def page(self, ticket_id: str, *, limit: int, cursor: str | None) -> Page[Message]:
        """Messages that the ticket counts, newest first."""
        where = All(Eq("ticket_id", ticket_id), Cmp("seq", ">", 0))
        return await self._messages.find(where, sort=Sort("seq", descending=True), limit=limit, cursor=cursor)

    async def mails(self, mail_ids: Iterable[str]) -> Sequence[Message]:
        """Stored mails that are, or refer to, one of these (scoped) Message-IDs; where a thousand do, the first."""
        wanted = tuple(mail_ids)
        return (await self._messages.find(Has("mail_ids", wanted), limit=_PAGE)).items if wanted else []

    async def every_of(self, ticket_id: str, *, cursor: str | None) -> Page[Message]:
        """All messages of a ticket by id, those without a place as well."""
        return await self._messages.find(Eq("ticket_id", ticket_id), limit=_OF_TICKET, cursor=cursor)

    async def in_order(self, ticket_id: str, *, cursor: str | None) -> Page[Message]:
        """Messages that the ticket counts, oldest first."""
        where = All(Eq("ticket_id", ticket_id), Cmp("seq", ">", 0))
        return await self._messages.find(where, sort=Sort("seq"), limit=_OF_TICKET, cursor=cursor)

    async def traced(self, traces: Iterable[str]) -> Sequence[Message]:
        """Messages with one of these files, or by one of these contacts in another's ticket; a thousand at most."""
        wanted = tuple(traces)
        return (await self._messages.find(Has("traces", wanted), limit=_PAGE)).items if wanted else []

    async def traced_page(self, traces: Iterable[str], *, cursor: str | None) -> Page[Message]:
        """The same, however many, page by page."""
        return await self._messages.find(Has("traces", tuple(traces)), limit=_OF_TICKET, cursor=cursor)

    async def insert(self, messages: Sequence[Message]) -> Written[Message]:
        """Add new ones; lost where one of that id is there already."""
        outcome = written(messages, await self._messages.insert_many(messages))
        self._inserted = {message.id: message for message in outcome.done}
        return outcome

    def take_inserted(self, ids: Iterable[str]) -> dict[str, Message]:
        """Those of `ids` that the last `insert` added, as they were stored then, without asking the store.

        Somebody else may have changed them since: only a compare-and-swap may rely on them.
        """
        return {one: self._inserted.pop(one) for one in ids if one in self._inserted}

    async def replace(self, messages: Sequence[Message]) -> Written[Message]:
        """Change some; lost where somebody else was faster."""
        return written(messages, await self._messages.replace_many(messages))

    async def delete(self, messages: Sequence[Message]) -> None:
        """Remove messages that no ticket counts."""
        await self._messages.delete_many(messages)
