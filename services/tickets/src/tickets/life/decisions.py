"""The router's decisions, applied or refused (A2, A6)."""

from collections.abc import Mapping, Sequence

from contracts.envelope import Event
from contracts.routing import AssignmentDecided
from service_kit.clock import Clock
from tickets.life.assignment import settled
from tickets.people.agent_directory import AgentLookup
from tickets.ticket.desk import Desk
from tickets.ticket.model import Ticket


class Decisions:
    """The use case behind `assignment-decisions-v1`."""

    def __init__(self, desk: Desk, agents: AgentLookup, clock: Clock) -> None:
        self._desk = desk
        self._agents = agents
        self._clock = clock

    async def settle(self, events: Sequence[Event]) -> None:
        """Apply or refuse each, once; a decision about a ticket that is no more concerns nobody."""
        decisions = [event for event in events if isinstance(event, AssignmentDecided)]
        known = await self._known_agents(decisions)

        async def redraft(tickets: Mapping[str, Ticket]) -> Sequence[Ticket]:
            drafts = dict(tickets)
            for decision in decisions:
                if decision.ticket_id in drafts:
                    is_known = decision.agent_id is None or (decision.account_id, decision.agent_id) in known
                    drafts[decision.ticket_id] = settled(
                        drafts[decision.ticket_id], decision, agent_is_known=is_known, now=self._clock.now()
                    )
            return [draft for draft in drafts.values() if draft is not tickets[draft.id]]

        await self._desk.change_many(
            {decision.ticket_id for decision in decisions}, redraft, crash="tickets.decision_applied"
        )

    async def _known_agents(self, decisions: Sequence[AssignmentDecided]) -> frozenset[tuple[str, str]]:
        """Who of those chosen works here, by account."""
        chosen: dict[str, set[str]] = {}
        for decision in decisions:
            if decision.agent_id is not None:
                chosen.setdefault(decision.account_id, set()).add(decision.agent_id)
        found = set()
        for account_id, agent_ids in chosen.items():
            agents = await self._agents.get_many(account_id, agent_ids)
            found |= {(account_id, agent_id) for agent_id, agent in agents.items() if agent.active}
        return frozenset(found)
