"""Whose turn it is (A2), as tables and as properties."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.assigning.rotation import Rotation, TurnOrder, Turns


def _after(*agents: str) -> Rotation:
    """A rotation in which these agents were assigned one after the other, each decision applied at once."""
    rotation = Rotation()
    for agent_id in agents:
        rotation = rotation.dealt(agent_id).settled(agent_id)
    return rotation


@pytest.mark.parametrize(
    ("rotation", "eligible", "expected"),
    [
        (Rotation(), (), None),
        (Rotation(), ("b", "a"), "a"),
        (_after("a"), ("a", "b"), "b"),
        (_after("a", "b"), ("a", "b"), "a"),
        (_after("a", "b", "a"), ("a", "b"), "b"),
        (_after("a", "b", "c"), ("b", "c"), "b"),
        (_after("b", "a").dealt("c"), ("a", "b", "c"), "b"),
    ],
    ids=["nobody", "ties-by-id", "never-assigned-first", "oldest", "oldest-again", "only-eligible", "in-flight-counts"],
)
def test_the_turn_goes_to_the_eligible_agent_with_the_oldest_assignment(
    rotation: Rotation, eligible: tuple[str, ...], expected: str | None
) -> None:
    """The oldest last assignment wins; never assigned comes first; ties are broken by id."""
    chosen = TurnOrder(rotation).first_of(eligible)

    assert chosen == expected


def test_a_refused_decision_gives_the_turn_back() -> None:
    """An agent whose decision was refused is next again, as if it had not been made."""
    before = _after("a", "b", "c")

    after = before.dealt("a").given_back("a")

    assert after.of("a").latest == before.of("a").latest
    assert TurnOrder(after).first_of("abc") == "a"


def test_a_turn_given_back_late_is_not_lost() -> None:
    """A refusal that arrives after the agent's next decision still earns them the turn they missed."""
    rotation = Rotation()
    for agent_id in "abcabc":
        rotation = rotation.dealt(agent_id)
    rotation = rotation.given_back("b")

    order = []
    for _ in range(4):
        turn = TurnOrder(rotation).first_of("abc")
        assert turn is not None
        order.append(turn)
        rotation = rotation.dealt(turn)

    assert order == ["b", "a", "b", "c"]


def test_spare_turns_end_with_the_shift() -> None:
    """Turns refused before an agent left do not pile up for the day they come back."""
    rotation = _after("a", "b").dealt("a").dealt("a").given_back("a").given_back("a")

    rested = rotation.without_spares("a")

    assert rested.of("a") == Turns(settled=1)
    assert rested.dealt("a").of("a").latest == rotation.next_turn


def test_the_rotation_survives_being_stored() -> None:
    """A restart reads the same rotation back (A2)."""
    rotation = _after("a", "b").dealt("a").dealt("b").given_back("b")

    restored = Rotation.model_validate_json(rotation.model_dump_json())

    assert restored == rotation


@given(agents=st.integers(1, 7), arrivals=st.integers(0, 60))
def test_without_refusals_nobody_is_ever_two_ahead(agents: int, arrivals: int) -> None:
    """A constant eligible set: max - min is at most 1 after every single assignment (A2)."""
    names = [f"agent-{number}" for number in range(agents)]
    counts = Counter(dict.fromkeys(names, 0))
    rotation = Rotation()

    for _ in range(arrivals):
        agent_id = TurnOrder(rotation).first_of(names)
        assert agent_id is not None
        rotation = rotation.dealt(agent_id)
        counts[agent_id] += 1

        assert max(counts.values()) - min(counts.values()) <= 1


@given(
    agents=st.integers(1, 5),
    history=st.lists(st.tuples(st.sampled_from(["arrives", "applied", "refused"]), st.integers(0, 100)), max_size=80),
)
def test_with_refusals_the_spread_is_made_up_for(agents: int, history: list[tuple[str, int]]) -> None:
    """Whatever is refused, and however late: once as many tickets came as were refused, max - min is at most 1."""
    names = [f"agent-{number}" for number in range(agents)]
    standing: Counter[str] = Counter(dict.fromkeys(names, 0))
    in_flight: list[str] = []
    rotation = Rotation()

    def arrive() -> None:
        nonlocal rotation
        agent_id = TurnOrder(rotation).first_of(names)
        assert agent_id is not None
        rotation = rotation.dealt(agent_id)
        in_flight.append(agent_id)
        standing[agent_id] += 1

    for what, which in history:
        if what == "arrives":
            arrive()
        elif in_flight:
            agent_id = in_flight.pop(which % len(in_flight))
            rotation = rotation.settled(agent_id) if what == "applied" else rotation.given_back(agent_id)
            standing[agent_id] -= what == "refused"
    for _ in range(sum(len(rotation.of(agent_id).spare) for agent_id in names)):
        arrive()

    assert all(not rotation.of(agent_id).spare for agent_id in names)
    assert max(standing.values()) - min(standing.values()) <= 1


@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["arrives", "applied", "refused", "leaves"]), st.integers(0, 3)), max_size=60
    )
)
def test_turns_of_an_agent_always_rise(steps: list[tuple[str, int]]) -> None:
    """Settled, in flight and spare turns stay in order, and no turn is dealt to two agents."""
    names = "abcd"
    rotation = Rotation()
    for what, which in steps:
        agent_id = names[which]
        if what == "arrives":
            rotation = rotation.dealt(agent_id)
        elif what == "leaves":
            rotation = rotation.without_spares(agent_id)
        elif rotation.of(agent_id).in_flight:
            rotation = rotation.settled(agent_id) if what == "applied" else rotation.given_back(agent_id)

    of_each = [rotation.of(agent_id) for agent_id in names]
    dealt = [turn for turns in of_each for turn in (*turns.in_flight, *turns.spare)]

    assert all([*t.in_flight, *t.spare] == sorted({*t.in_flight, *t.spare}) for t in of_each)
    assert all(t.settled < turn for t in of_each for turn in (*t.in_flight, *t.spare))
    assert len(dealt) == len(set(dealt))
    assert all(turn < rotation.next_turn for turn in dealt)
