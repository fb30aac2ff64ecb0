"""Every query for saved drafts; each is by the agent whose they are, or by the ticket that is to be forgotten."""

from service_kit.docstore import All, DocStore, Eq, Fate, Page, Sort
from tickets.writing.saved_drafts import SAVED_DRAFTS, SavedDraft, draft_id

_AT_ONCE = 200


class SavedDraftStore:
    """Drafts in the document store."""

    def __init__(self, store: DocStore) -> None:
        self._drafts = store.collection(SAVED_DRAFTS)

    async def find(self, account_id: str, agent_id: str, ticket_id: str) -> SavedDraft | None:
        """The agent's draft in a ticket."""
        draft = await self._drafts.get(draft_id(agent_id, ticket_id))
        return draft if draft is not None and draft.account_id == account_id else None

    async def page(self, account_id: str, agent_id: str, *, limit: int, cursor: str | None) -> Page[SavedDraft]:
        """The agent's drafts, the latest first."""
        where = All(Eq("account_id", account_id), Eq("agent_id", agent_id))
        return await self._drafts.find(where, sort=Sort("updated_at", descending=True), limit=limit, cursor=cursor)

    async def count(self, account_id: str, agent_id: str, *, at_most: int) -> int:
        """How many drafts the agent has."""
        return await self._drafts.count(All(Eq("account_id", account_id), Eq("agent_id", agent_id)), at_most=at_most)

    async def insert(self, draft: SavedDraft) -> Fate:
        """Add one; EXISTS where there is one."""
        return (await self._drafts.insert_many([draft]))[0]

    async def replace(self, draft: SavedDraft) -> Fate:
        """Change one; STALE where it changed meanwhile, or is gone."""
        return (await self._drafts.replace_many([draft]))[0]

    async def delete(self, draft: SavedDraft) -> Fate:
        """Remove one; STALE where it changed meanwhile, or is gone."""
        return (await self._drafts.delete_many([draft]))[0]

    async def forget(self, ticket_id: str) -> None:
        """Remove everybody's drafts in a ticket."""
        while (page := await self._drafts.find(Eq("ticket_id", ticket_id), limit=_AT_ONCE)).items:
            await self._drafts.delete_many(page.items)
