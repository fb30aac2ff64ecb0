"""What agents have to do while tickets are being dealt out: what they have, and what they were just given (A7)."""

from collections.abc import Iterable, Mapping
from typing import get_args

from contracts.directories import AgentEntry
from contracts.people import Channel
from contracts.settings import Capacity
from router.assigning.assigner import Assigner
from router.availability.agent_limits import AgentLimits, allows, has_room

_CHANNELS: tuple[Channel, ...] = get_args(Channel)


def is_capacity_limited(rule: Capacity, limits: Mapping[str, AgentLimits]) -> bool:
    """Whether anybody's capacity is limited at all."""
    return rule != Capacity() or any(own.capacity != Capacity() for own in limits.values())


class Workload:
    """Counts along within one sitting: open tickets, decisions in flight, and those made meanwhile."""

    def __init__(
        self, agents: Iterable[AgentEntry], rule: Capacity, limits: Mapping[str, AgentLimits], assigner: Assigner
    ) -> None:
        self._agent_ids = [agent.id for agent in agents]
        self._rule = rule
        self._limits = limits
        self._is_limited = is_capacity_limited(rule, limits)
        self._counts: dict[str, Mapping[Channel, int]] = dict(assigner.load.open)
        self._totals = {agent_id: sum(counts.values()) for agent_id, counts in self._counts.items()}
        self._full: dict[Channel, frozenset[str]] = {}
        self._barred: dict[Channel, frozenset[str]] = {}
        for pending in assigner.pending.values():
            self._count(pending.agent_id, pending.channel)

    @property
    def totals(self) -> Mapping[str, int]:
        """How many tickets each agent has; whoever has none may be missing."""
        return self._totals

    def has_any_room(self, agent_id: str) -> bool:
        """Whether an agent can take one more ticket of some channel."""
        return any(self._has_room(agent_id, channel) for channel in _CHANNELS)

    def full(self, channel: Channel) -> frozenset[str]:
        """Who can take no more of a channel."""
        if channel not in self._full:
            limited = self._agent_ids if self._is_limited else ()
            self._full[channel] = frozenset(one for one in limited if not self._has_room(one, channel))
        return self._full[channel]

    def barred(self, channel: Channel) -> frozenset[str]:
        """Who may not answer a channel."""
        if channel not in self._barred:
            barred = (agent_id for agent_id, own in self._limits.items() if not allows(own, channel))
            self._barred[channel] = frozenset(barred)
        return self._barred[channel]

    def give(self, agent_id: str, channel: Channel) -> None:
        """One more ticket for an agent."""
        self._count(agent_id, channel)
        if not self._is_limited:
            return
        for known, full in self._full.items():
            if agent_id not in full and not self._has_room(agent_id, known):
                self._full[known] = full | {agent_id}

    def _count(self, agent_id: str, channel: Channel) -> None:
        counts = self._counts.get(agent_id, {})
        self._counts[agent_id] = {**counts, channel: counts.get(channel, 0) + 1}
        self._totals[agent_id] = self._totals.get(agent_id, 0) + 1

    def _has_room(self, agent_id: str, channel: Channel) -> bool:
        if not self._is_limited:
            return True
        own = self._limits.get(agent_id)
        return has_room(self._rule, own.capacity if own else None, self._counts.get(agent_id, {}), channel)
