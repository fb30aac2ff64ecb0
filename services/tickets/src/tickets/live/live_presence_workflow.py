"""Agents coming, typing and going."""

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel

from contracts.envelope import UtcDatetime
from service_kit.auth import Principal
from service_kit.clock import Clock
from service_kit.fan_out import FanOut
from tickets.live.live_news import of_ticket
from tickets.live.live_presence import MOST_PRESENT, PresenceState, renewed
from tickets.live.live_presence_store import LivePresenceStore
from tickets.live.live_problems import too_many_present
from tickets.people.agent_directory import AgentLookup
from tickets.people.people_problems import session_needed

PresenceSaid = PresenceState | Literal["gone"]
"""Public contract: what an agent says of themselves."""


class PresentAgent(BaseModel):
    """An agent who looks at a ticket, or writes in it."""

    agent_id: str
    name: str | None
    state: PresenceState
    since: UtcDatetime


class LivePresence:
    """Presence in tickets; whoever follows a ticket is told when it changes."""

    def __init__(self, store: LivePresenceStore, agents: AgentLookup, fan_out: FanOut, clock: Clock) -> None:
        self._store = store
        self._agents = agents
        self._fan_out = fan_out
        self._clock = clock

    async def say(self, principal: Principal, ticket_id: str, said: PresenceSaid) -> None:
        """Take an agent's word for what they do; the newest holds, from whichever of their windows.

        Raises:
            Problem: an API key asks, or too many are there.
        """
        agent_id = principal.agent_id
        if principal.kind != "agent" or agent_id is None:
            raise session_needed()
        account_id = principal.account_id
        here = await self._store.of_ticket(account_id, ticket_id)
        before = here.get(agent_id)
        if said == "gone":
            await self._store.remove(account_id, ticket_id, agent_id)
        elif before is None and len(here) >= MOST_PRESENT:
            raise too_many_present(MOST_PRESENT)
        else:
            await self._store.put(account_id, ticket_id, renewed(before, agent_id, said, self._clock.now()))
        if (before.state if before else "gone") != said:
            await self._fan_out.nudge(of_ticket(ticket_id))

    async def who(self, account_id: str, ticket_id: str) -> Sequence[PresentAgent]:
        """Who is there, in the order in which they came."""
        here = await self._store.of_ticket(account_id, ticket_id)
        names = await self._agents.names(account_id, here) if here else {}
        return [
            PresentAgent(agent_id=one.agent_id, name=names.get(one.agent_id), state=one.state, since=one.since)
            for one in here.values()
        ]
