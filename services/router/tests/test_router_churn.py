"""Agents come and go, and teams differ: nobody who could be given tickets is passed over for long (A2)."""

from dataclasses import dataclass, field

from hypothesis import example, given
from hypothesis import strategies as st

from router.assigning.rotation import Rotation, TurnOrder

NAMES = "abcdef"


@dataclass
class Wait:
    """What went to others, one after the other, while somebody was eligible as well.

    `allowance` counts the turns that were spare when the wait began, and those given back since.
    """

    passed: int = 0
    among: frozenset[str] = frozenset()
    allowance: int = 0


@dataclass
class Desk:
    """Deals tickets as the router does, and remembers how long everybody waits."""

    rotation: Rotation = field(default_factory=Rotation)
    in_flight: list[str] = field(default_factory=list)
    waits: dict[str, Wait] = field(default_factory=lambda: {name: Wait() for name in NAMES})

    def arrive(self, eligible: frozenset[str]) -> str:
        """A ticket comes that these agents could have."""
        chosen = TurnOrder(self.rotation).first_of(eligible)
        assert chosen is not None
        self.rotation = self.rotation.dealt(chosen)
        self.in_flight.append(chosen)
        for name in eligible - {chosen}:
            self.waits[name].passed += 1
            self.waits[name].among |= eligible
        self.waits[chosen] = Wait(allowance=sum(len(self.rotation.of(name).spare) for name in NAMES))
        return chosen

    def answer(self, which: int, *, applied: bool) -> None:
        """Tickets applies or refuses a decision on its way."""
        if not self.in_flight:
            return
        name = self.in_flight.pop(which % len(self.in_flight))
        self.rotation = self.rotation.settled(name) if applied else self.rotation.given_back(name)
        for wait in self.waits.values():
            wait.allowance += not applied


eligible_sets = st.frozensets(st.sampled_from(NAMES), min_size=1)


@given(st.lists(eligible_sets, max_size=80))
@example([frozenset("ab"), frozenset("bc"), frozenset("ab"), frozenset("abc")])
def test_under_churn_nobody_waits_longer_than_there_are_others(story: list[frozenset[str]]) -> None:
    """Whoever is eligible is passed once by each other agent at most, however the set changes meanwhile (A2)."""
    desk = Desk()

    for eligible in story:
        chosen = desk.arrive(eligible)
        for name in eligible - {chosen}:
            assert desk.waits[name].passed <= len(desk.waits[name].among - {name})


steps = st.one_of(
    st.tuples(st.just("arrives"), eligible_sets),
    st.tuples(st.sampled_from(["applied", "refused"]), st.integers(0, 100)),
    st.tuples(st.just("comes or goes"), st.sampled_from(NAMES)),
)


@given(st.lists(steps, max_size=80))
def test_only_turns_that_were_given_back_make_a_wait_longer(story: list[tuple[str, object]]) -> None:
    """A refused decision lets its agent pass once more, whenever it is made up for; nothing else does (A2)."""
    desk = Desk()

    for what, given_with in story:
        if isinstance(given_with, frozenset):
            chosen = desk.arrive(given_with)
            for name in given_with - {chosen}:
                wait = desk.waits[name]
                assert wait.passed <= len(wait.among - {name}) + wait.allowance
        elif isinstance(given_with, int):
            desk.answer(given_with, applied=what == "applied")
        else:
            desk.rotation = desk.rotation.without_spares(str(given_with))
