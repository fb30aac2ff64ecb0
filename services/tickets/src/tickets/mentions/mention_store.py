"""Every query for mentions; each is by the agent named, or by the ticket that is to be forgotten."""

from collections.abc import Sequence

from service_kit.docstore import All, DocStore, Eq, Fate, Filter, Page, Sort
from tickets.mentions.mention import MENTIONS, Mention

_AT_ONCE = 200


class MentionStore:
    """Mentions in the document store."""

    def __init__(self, store: DocStore) -> None:
        self._mentions = store.collection(MENTIONS)

    async def find(self, account_id: str, agent_id: str, mention_id: str) -> Mention | None:
        """One of the agent's."""
        found = await self._mentions.get(mention_id)
        is_theirs = found is not None and (found.account_id, found.agent_id) == (account_id, agent_id)
        return found if is_theirs else None

    async def page(
        self, account_id: str, agent_id: str, *, is_read: bool | None, limit: int, cursor: str | None
    ) -> Page[Mention]:
        """The agent's, unread before read, the latest first."""
        parts: list[Filter] = [Eq("account_id", account_id), Eq("agent_id", agent_id)]
        if is_read is not None:
            parts.append(Eq("is_read", is_read))
        return await self._mentions.find(All(*parts), sort=Sort("place", descending=True), limit=limit, cursor=cursor)

    async def of_ticket(self, ticket_id: str, agent_id: str) -> Sequence[Mention]:
        """The agent's in one ticket; two hundred at most."""
        where = All(Eq("ticket_id", ticket_id), Eq("agent_id", agent_id))
        return (await self._mentions.find(where, limit=_AT_ONCE)).items

    async def keep(self, mentions: Sequence[Mention]) -> None:
        """Add those that are new."""
        if mentions:
            await self._mentions.insert_many(mentions)

    async def replace(self, mention: Mention) -> Fate:
        """Change one; STALE where it changed meanwhile, or is gone."""
        return (await self._mentions.replace_many([mention]))[0]

    async def forget(self, ticket_id: str) -> None:
        """Remove everybody's in a ticket."""
        while (page := await self._mentions.find(Eq("ticket_id", ticket_id), limit=_AT_ONCE)).items:
            await self._mentions.delete_many(page.items)
