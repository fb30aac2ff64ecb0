"""Every query for the limits of agents."""

from collections.abc import Mapping
from datetime import datetime

from router.availability.agent_limits import AGENT_LIMITS, AgentLimits, agent_limits_id, no_limits
from service_kit.docstore import Collection, DocStore, Eq, Fate
from service_kit.docstore.every_page import every


class AgentLimitsStore:
    """Limits that were set for single agents. Every read names the account."""

    def __init__(self, store: DocStore) -> None:
        self.collection: Collection[AgentLimits] = store.collection(AGENT_LIMITS)

    async def of_agent(self, account_id: str, agent_id: str, now: datetime) -> AgentLimits:
        """One agent's limits, as never set where they were not."""
        found = await self.collection.get(agent_limits_id(account_id, agent_id))
        return found or no_limits(account_id, agent_id, now)

    async def of_account(self, account_id: str) -> Mapping[str, AgentLimits]:
        """The limits that were ever set, by agent."""
        return {limits.agent_id: limits for limits in await every(self.collection, Eq("account_id", account_id))}

    async def save(self, limits: AgentLimits) -> AgentLimits | None:
        """Write them, and the document as now stored; None when somebody else wrote first."""
        write = self.collection.insert_many if limits.rev == 0 else self.collection.replace_many
        (fate,) = await write([limits])
        return limits.model_copy(update={"rev": limits.rev + 1}) if fate is Fate.DONE else None
