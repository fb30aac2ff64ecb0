"""Every query for API keys."""

from collections.abc import Sequence

from service_kit.docstore import All, DocStore, Eq, Fate, Page
from service_kit.docstore.every_page import every
from tickets.access.api_keys import API_KEYS, ApiKey


class ApiKeyStore:
    """API keys in the document store."""

    def __init__(self, store: DocStore) -> None:
        self._keys = store.collection(API_KEYS)

    async def find(self, key_id: str) -> ApiKey | None:
        """One key of any account."""
        return await self._keys.get(key_id)

    async def page(self, account_id: str, *, limit: int, cursor: str | None) -> Page[ApiKey]:
        """Keys of an account that still work."""
        return await self._keys.find(_working(account_id), limit=limit, cursor=cursor)

    async def count(self, account_id: str, *, at_most: int) -> int:
        """How many keys of an account still work."""
        return await self._keys.count(_working(account_id), at_most=at_most)

    async def of_account(self, account_id: str) -> Sequence[ApiKey]:
        """All keys of an account, revoked ones too."""
        return await every(self._keys, Eq("account_id", account_id))

    async def of_agent(self, agent_id: str) -> Sequence[ApiKey]:
        """All keys that act for an agent, revoked ones too."""
        return await every(self._keys, Eq("agent_id", agent_id))

    async def insert(self, key: ApiKey) -> Fate:
        """Add one."""
        return (await self._keys.insert_many([key]))[0]

    async def replace(self, key: ApiKey) -> Fate:
        """Change one; STALE when it changed meanwhile."""
        return (await self._keys.replace_many([key]))[0]


def _working(account_id: str) -> All:
    return All(Eq("account_id", account_id), Eq("revoked_at", None))
