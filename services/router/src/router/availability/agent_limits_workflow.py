"""The limits of single agents are set, and the queue is looked at again (A7)."""

from typing import Any

from contracts.directories import AgentDirectory
from router.availability.agent_limits import AgentLimits, changed_limits
from router.availability.agent_limits_store import AgentLimitsStore
from router.problems import changed_meanwhile
from router.queue.arrival import arrived
from service_kit.clock import Clock
from service_kit.crash_points import crash_point
from service_kit.http.problems import not_found
from service_kit.outbox import Outbox
from service_kit.settings_copies import SettingsCopies

_ATTEMPTS = 8
_NEW_AGENT_SECONDS = 2.0


class AgentLimitsWorkflow:
    """Sets limits of agents of every account."""

    def __init__(
        self, store: AgentLimitsStore, outbox: Outbox[AgentLimits], copies: SettingsCopies, clock: Clock
    ) -> None:
        self._store = store
        self._outbox = outbox
        self._copies = copies
        self._clock = clock

    async def change(self, account_id: str, agent_id: str, given: dict[str, Any]) -> AgentLimits:
        """Set what is given (`capacity`, `channels`); what is left out stays.

        Raises:
            Problem: 404, 409 `conflict`.
        """
        for _ in range(_ATTEMPTS):
            before = await self.find(account_id, agent_id)
            after = changed_limits(before, given, self._clock.now())
            stored = before if after == before else await self._store.save(after)
            if stored is not None:
                crash_point("router.agent_limits_saved")
                (published,) = await self._outbox.publish([stored])
                return published
        raise changed_meanwhile()

    async def find(self, account_id: str, agent_id: str) -> AgentLimits:
        """The limits of one agent.

        Raises:
            Problem: 404, nobody of this id works here.
        """
        if await arrived(lambda: self._known(account_id, agent_id), within_seconds=_NEW_AGENT_SECONDS) is None:
            raise not_found("agent")
        return await self._store.of_agent(account_id, agent_id, self._clock.now())

    async def _known(self, account_id: str, agent_id: str) -> bool | None:
        agents = await self._copies.get(account_id, "agents", AgentDirectory, fresh=True)
        return agent_id in agents.agents or None
