"""Every query for agents."""

from collections.abc import Iterable, Mapping, Sequence

from service_kit.docstore import All, DocStore, Eq, Fate, Ne, Page
from service_kit.docstore.every_page import every
from tickets.people.agents import AGENTS, Agent


class AgentStore:
    """Agents in the document store; every read by account hides what belongs to another."""

    def __init__(self, store: DocStore) -> None:
        self._agents = store.collection(AGENTS)

    async def find(self, agent_id: str) -> Agent | None:
        """One agent of any account."""
        return await self._agents.get(agent_id)

    async def get_many(self, account_id: str, agent_ids: Iterable[str]) -> Mapping[str, Agent]:
        """Those of `agent_ids` that this account has."""
        found = await self._agents.get_many(agent_ids)
        return {agent_id: agent for agent_id, agent in found.items() if agent.account_id == account_id}

    async def by_login(self, email: str) -> Agent | None:
        """The active agent who signs in with this address."""
        page = await self._agents.find(Eq("login", email), limit=1)
        return next(iter(page.items), None)

    async def page(self, account_id: str, *, departed: bool, limit: int, cursor: str | None) -> Page[Agent]:
        """Agents of an account; those who left only on request."""
        here = Eq("account_id", account_id)
        return await self._agents.find(here if departed else All(here, Ne("login", None)), limit=limit, cursor=cursor)

    async def of_account(self, account_id: str) -> Sequence[Agent]:
        """All agents of an account, also those who left."""
        return await every(self._agents, Eq("account_id", account_id))

    async def count(self, account_id: str, *, at_most: int) -> int:
        """How many agents the account has, also those who left."""
        return await self._agents.count(Eq("account_id", account_id), at_most=at_most)

    async def insert(self, agent: Agent) -> Fate:
        """Add one; CONFLICT when somebody signs in with that address already."""
        return (await self._agents.insert_many([agent]))[0]

    async def replace(self, agent: Agent) -> Fate:
        """Change one; CONFLICT when somebody else signs in with that address, STALE when it changed meanwhile."""
        return (await self._agents.replace_many([agent]))[0]
