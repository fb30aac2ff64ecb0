"""Whose turn it was, found again from the record of decisions and of what became of them. Pure.

When the router learned of a refusal, or of somebody coming or going, is not recorded: only since when it could have.
So all that it may have known by each decision is followed, and a choice is wrong if none of that explains it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from contracts.routing import AssignmentDecided

_REMEMBERED = 16
"""Turns of an agent that are older than this many are never given back any more."""


@dataclass(frozen=True, slots=True)
class _Belief:
    """What the router may believe of one agent: the places in the record of the turns `dealt`, rising.

    Decisions that stand hold the first `held` of these, the others are spare. `refusals` and `shifts` count how many
    it has learned of.
    """

    dealt: tuple[int, ...] = (0,)
    held: int = 1
    refusals: int = 0
    shifts: int = 0

    @property
    def latest(self) -> int:
        """The place of the last assignment that stands; 0 before the first."""
        return self.dealt[self.held - 1]

    def chosen(self, place: int) -> "_Belief":
        """After one more decision for the agent: a spare turn is used up, or a new one dealt."""
        dealt = self.dealt if self.held < len(self.dealt) else (*self.dealt, place)
        excess = max(0, self.held + 1 - _REMEMBERED)
        return replace(self, dealt=dealt[excess:], held=self.held + 1 - excess)

    def refused(self) -> "_Belief":
        """After learning that a decision for the agent was refused."""
        return replace(self, held=max(1, self.held - 1), refusals=self.refusals + 1)

    def shifted(self) -> "_Belief":
        """After learning that the agent came or went: spare turns end with the shift."""
        return replace(self, dealt=self.dealt[: self.held], shifts=self.shifts + 1)


@dataclass(slots=True)
class _Agent:
    """One agent: since when the router could know of what, and all that it may believe."""

    refused_at: list[datetime] = field(default_factory=list)
    shifted_at: list[datetime] = field(default_factory=list)
    beliefs: set[_Belief] = field(default_factory=lambda: {_Belief()})

    def learn(self, by: datetime) -> None:
        """Add what may have been learned by then."""
        refusals = sum(at <= by for at in self.refused_at)
        shifts = sum(at <= by for at in self.shifted_at)
        fresh = self.beliefs
        while fresh:
            more = {one.refused() for one in fresh if one.refusals < refusals}
            more |= {one.shifted() for one in fresh if one.shifts < shifts}
            fresh = more - self.beliefs
            self.beliefs = self.beliefs | fresh


def turn_violations(
    ordered: Sequence[AssignmentDecided],
    refused_at: Mapping[str, datetime],
    shifted_at: Mapping[str, Iterable[datetime]],
) -> Iterator[str]:
    """Choices that passed somebody whose last automatic assignment was older, ties by id (A2).

    `ordered` is the record in the order in which decisions were made, `refused_at` when which of them was refused,
    `shifted_at` when which agent came or went. What people assign by hand is in no record, and so must not count.
    """
    agents = _agents(ordered, refused_at, shifted_at)
    for place, decision in enumerate(ordered, start=1):
        name = decision.agent_id or ""
        chosen = agents[name]
        others = {one.agent_id for one in decision.candidates if one.eligible} - {name}
        for agent_id in (name, *others):
            agents[agent_id].learn(decision.time)
        latest = {one: max((belief.latest, one) for belief in agents[one].beliefs) for one in others}
        passed = min(latest.values(), default=(place, name))
        explained = {one for one in chosen.beliefs if (one.latest, name) <= passed}
        if not explained:
            yield f"decision {decision.id}, the {place}., takes {name}, and it was the turn of {passed[1]}"
        chosen.beliefs = {one.chosen(place) for one in explained or chosen.beliefs}
        oldest = min(((one.latest, name) for one in explained), default=(0, ""))
        for agent_id in others:
            believed = agents[agent_id].beliefs
            agents[agent_id].beliefs = {one for one in believed if (one.latest, agent_id) > oldest} or believed


def _agents(
    ordered: Sequence[AssignmentDecided],
    refused_at: Mapping[str, datetime],
    shifted_at: Mapping[str, Iterable[datetime]],
) -> Mapping[str, _Agent]:
    names = {candidate.agent_id for decision in ordered for candidate in decision.candidates}
    names |= {decision.agent_id or "" for decision in ordered}
    agents = {name: _Agent(shifted_at=list(shifted_at.get(name, ()))) for name in names}
    for decision in ordered:
        if decision.id in refused_at:
            agents[decision.agent_id or ""].refused_at.append(refused_at[decision.id])
    return agents


def longest_wait(ordered: Sequence[AssignmentDecided]) -> int:
    """How many tickets went to others, at most, while somebody was eligible for them all."""
    longest, waits = 0, dict[str, int]()
    for decision in ordered:
        for candidate in decision.candidates:
            if candidate.eligible:
                waits[candidate.agent_id] = waits.get(candidate.agent_id, 0) + 1
        waits[decision.agent_id or ""] = 0
        longest = max(longest, *waits.values())
    return longest
