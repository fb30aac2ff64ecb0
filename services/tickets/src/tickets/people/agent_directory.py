"""Agents as others need to know them: the published directory, and look-ups inside tickets."""

from collections.abc import Iterable, Mapping, Sequence

import structlog

from contracts.directories import AgentDirectory, AgentEntry
from service_kit.errors import Unavailable
from service_kit.settings_area import SettingsArea
from tickets.people.agent_store import AgentStore
from tickets.people.agents import directory, directory_entry

logger = structlog.get_logger()


class AgentLookup:
    """Agents by id, for assignee names and to tell an unknown agent; also those who left (`active` is false)."""

    def __init__(self, agents: AgentStore) -> None:
        self._agents = agents

    async def get(self, account_id: str, agent_id: str) -> AgentEntry | None:
        """One agent of this account."""
        return (await self.get_many(account_id, (agent_id,))).get(agent_id)

    async def get_many(self, account_id: str, agent_ids: Iterable[str]) -> Mapping[str, AgentEntry]:
        """Those of `agent_ids` that this account has, in one read."""
        found = await self._agents.get_many(account_id, agent_ids)
        return {agent_id: directory_entry(agent) for agent_id, agent in found.items()}

    async def active(self, account_id: str) -> Sequence[AgentEntry]:
        """Everybody who works here now."""
        return [directory_entry(agent) for agent in await self._agents.of_account(account_id) if agent.active]

    async def names(self, account_id: str, agent_ids: Iterable[str]) -> Mapping[str, str]:
        """Names by id."""
        return {agent_id: entry.name for agent_id, entry in (await self.get_many(account_id, agent_ids)).items()}


class AgentDirectoryPublisher:
    """Publishes the area `agents` whenever an agent changed."""

    def __init__(self, agents: AgentStore, area: SettingsArea[AgentDirectory]) -> None:
        self._agents = agents
        self._area = area
        self._late: set[str] = set()

    async def publish_soon(self, account_id: str) -> None:
        """Publish now, or as soon as the bus takes it.

        The agents are stored already: an answer other than success would only make the caller add them twice. What
        a crash makes this process forget, the next start publishes.
        """
        try:
            await self.publish(account_id)
        except Unavailable as error:
            logger.warning("directory_delayed", account_id=account_id, error=repr(error))
            self._late.add(account_id)

    async def catch_up(self) -> None:
        """Publish what the bus did not take when it was due."""
        for account_id in tuple(self._late):
            await self.publish(account_id)
            self._late.discard(account_id)

    async def publish(self, account_id: str) -> None:
        """Make the published directory what the store says.

        Read again after writing: whoever writes last has then seen every change made before, so two replicas that
        publish at once cannot leave an older list behind.
        """
        wanted = await self._directory(account_id)
        while True:
            await self._area.replace(account_id, wanted)
            written, wanted = wanted, await self._directory(account_id)
            if wanted == written:
                return

    async def republish(self) -> None:
        """Publish what is stored once more, for readers that lost their copy."""
        await self._area.republish()

    async def _directory(self, account_id: str) -> AgentDirectory:
        return directory(await self._agents.of_account(account_id))
