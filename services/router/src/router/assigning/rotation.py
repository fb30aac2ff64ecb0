"""Whose turn it is (A2). Pure.

The turn goes to the eligible agent whose last automatic assignment is oldest, over all teams. "Oldest" is counted
in turns and not in seconds, so that the clocks of several replicas play no part.

A refused decision gives its turn back exactly: the agent's decisions always occupy the lowest of the turns the agent
was ever dealt, so the highest becomes spare and is dealt to the same agent again before a new one is. While somebody
eligible has a spare turn, their last turn is older than anybody's who has none; so with a constant eligible set
new turns are dealt strictly in a circle, and nobody is ever more than one assignment ahead once spares are used up.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from pydantic import BaseModel, ConfigDict, Field


class Turns(BaseModel):
    """The turns of one agent, each list rising.

    `settled` is the last one confirmed (0: none), `in_flight` are those of decisions nobody answered yet, all above
    it, and `spare` those of refused decisions, all above these.
    """

    model_config = ConfigDict(frozen=True)

    settled: int = 0
    in_flight: tuple[int, ...] = ()
    spare: tuple[int, ...] = ()

    @property
    def latest(self) -> int:
        """The turn of the last assignment that stands; 0 before the first."""
        return self.in_flight[-1] if self.in_flight else self.settled

    def dealt(self, next_turn: int) -> "Turns":
        """One more decision is in flight: the oldest spare turn is used up, or `next_turn` dealt."""
        turn, spare = (self.spare[0], self.spare[1:]) if self.spare else (next_turn, ())
        return Turns(settled=self.settled, in_flight=(*self.in_flight, turn), spare=spare)


_NO_TURNS = Turns()


class Rotation(BaseModel):
    """The turns of all agents of an account."""

    model_config = ConfigDict(frozen=True)

    next_turn: int = 1
    turns: Mapping[str, Turns] = Field(default_factory=dict)

    def of(self, agent_id: str) -> Turns:
        """The turns of one agent, also of one never assigned."""
        return self.turns.get(agent_id, _NO_TURNS)

    def latest_of(self, agent_id: str) -> int:
        """The turn of an agent's last assignment; 0 for one never assigned."""
        turns = self.turns.get(agent_id)
        return turns.latest if turns else 0

    def dealt(self, agent_id: str) -> "Rotation":
        """The agent was decided for: their oldest spare turn is used up, or a new one dealt."""
        dealt = self.of(agent_id).dealt(self.next_turn)
        return self._with(agent_id, dealt, next_turn=max(self.next_turn, dealt.latest + 1))

    def settled(self, agent_id: str) -> "Rotation":
        """A decision for the agent was applied."""
        turns = self.of(agent_id)
        settled = {"settled": turns.in_flight[0], "in_flight": turns.in_flight[1:]}
        return self._with(agent_id, turns.model_copy(update=settled))

    def given_back(self, agent_id: str) -> "Rotation":
        """A decision for the agent was refused."""
        turns = self.of(agent_id)
        refused = {"in_flight": turns.in_flight[:-1], "spare": (turns.in_flight[-1], *turns.spare)}
        return self._with(agent_id, turns.model_copy(update=refused))

    def without_spares(self, agent_id: str) -> "Rotation":
        """The agent came or went: turns missed in one shift are not made up for in the next."""
        turns = self.of(agent_id)
        return self._with(agent_id, turns.model_copy(update={"spare": ()})) if turns.spare else self

    def _with(self, agent_id: str, turns: Turns, *, next_turn: int | None = None) -> "Rotation":
        return self.model_copy(
            update={"next_turn": next_turn or self.next_turn, "turns": {**self.turns, agent_id: turns}}
        )


class TurnOrder:
    """Whose turn it is while many tickets are dealt out, one after the other: a rotation that is worked on in place."""

    def __init__(self, rotation: Rotation) -> None:
        self._next_turn = rotation.next_turn
        self._turns = dict(rotation.turns)
        latest = {agent_id: turns.latest for agent_id, turns in rotation.turns.items()}
        self._latest: defaultdict[str, int] = defaultdict(int, latest)

    @property
    def rotation(self) -> Rotation:
        """The rotation after all that was dealt."""
        return Rotation.model_construct(next_turn=self._next_turn, turns=dict(self._turns))

    def first_of(self, eligible: Iterable[str], counts: Mapping[str, int] | None = None) -> str | None:
        """Whose turn it is among `eligible`; ties (never assigned) by id.

        With `counts` it is the turn of whoever has the fewest, none where nothing is said; the rotation breaks ties.
        """
        in_order = sorted(eligible)
        if counts is not None and in_order:
            known = [counts.get(agent_id, 0) for agent_id in in_order]
            fewest = min(known)
            in_order = [agent_id for agent_id, count in zip(in_order, known, strict=True) if count == fewest]
        return min(in_order, key=self._latest.__getitem__, default=None)

    def deal(self, agent_id: str) -> None:
        """The agent was decided for, as `Rotation.dealt` says."""
        dealt = self._turns.get(agent_id, _NO_TURNS).dealt(self._next_turn)
        self._turns[agent_id] = dealt
        self._latest[agent_id] = dealt.latest
        self._next_turn = max(self._next_turn, dealt.latest + 1)
