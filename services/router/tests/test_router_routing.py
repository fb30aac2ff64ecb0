"""Which team a ticket belongs to (A1)."""

from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.routing import LosingTeam
from router.teams.routing import RoutingTable
from router.teams.teams import Team, default_team

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
DEFAULT = default_team("acc", NOW)


def _team(team_id: str, *, tags: tuple[str, ...] = (), segments: tuple[str, ...] = (), rank: int = 100) -> Team:
    return Team(
        id=team_id,
        account_id="acc",
        name=team_id,
        tags=tags,
        segments=segments,
        rank=rank,
        created_at=NOW,
        updated_at=NOW,
    )


@pytest.mark.parametrize(
    ("teams", "tags", "segments", "expected", "matched_by"),
    [
        ((_team("a", tags=("vip",)),), (), (), DEFAULT.id, None),
        ((_team("a", tags=("vip",)),), ("vip",), (), "a", "tag"),
        ((_team("a", tags=("VIP",)),), ("vip",), (), "a", "tag"),
        ((_team("a", segments=("gold",)),), (), ("Gold",), "a", "segment"),
        ((_team("a", tags=("x",), rank=2), _team("b", tags=("x",), rank=1)), ("x",), (), "b", "tag"),
        ((_team("a", segments=("g",), rank=1), _team("b", tags=("x",), rank=1)), ("x",), ("g",), "b", "tag"),
        ((_team("a", segments=("g",), rank=0), _team("b", tags=("x",), rank=1)), ("x",), ("g",), "a", "segment"),
        ((_team("b", tags=("x",)), _team("a", tags=("x",))), ("x",), (), "a", "tag"),
        ((_team("a", tags=("vip",)),), (), ("vip",), DEFAULT.id, None),
    ],
    ids=[
        "no-match",
        "tag",
        "tag-any-case",
        "segment-any-case",
        "lowest-rank",
        "tag-beats-segment",
        "rank-beats-tag",
        "ties-by-id",
        "tags-are-no-segments",
    ],
)
def test_a_ticket_goes_to_the_team_it_matches(
    teams: tuple[Team, ...],
    tags: tuple[str, ...],
    segments: tuple[str, ...],
    expected: str,
    matched_by: str | None,
) -> None:
    """Lowest rank wins, a tag beats a segment at equal rank, no match goes to the default team (A1)."""
    found = RoutingTable((*teams, DEFAULT)).route(tags=tags, segments=segments)

    assert found.team.id == expected
    assert found.matched_by == matched_by


def test_teams_that_matched_too_are_recorded() -> None:
    """The losers, with what matched and how they rank, are part of the outcome (A1)."""
    teams = (_team("a", tags=("x",), rank=3), _team("b", segments=("g",), rank=2), _team("c", tags=("x",), rank=1))

    found = RoutingTable((*teams, DEFAULT)).route(tags=("x",), segments=("g",))

    assert found.team.id == "c"
    assert found.losing_teams == (
        LosingTeam(team_id="b", rank=2, matched_by="segment"),
        LosingTeam(team_id="a", rank=3, matched_by="tag"),
    )


def test_a_team_picked_by_a_person_is_not_questioned() -> None:
    """Manual always wins (A6); a picked team that is gone counts no more."""
    teams = (_team("a", tags=("x",)), _team("b"), DEFAULT)

    picked = RoutingTable(teams).route(tags=("x",), segments=(), picked_team_id="b")
    gone = RoutingTable(teams).route(tags=("x",), segments=(), picked_team_id="removed")

    assert (picked.team.id, picked.matched_by) == ("b", "person")
    assert gone.team.id == "a"


_names = st.lists(st.sampled_from(["x", "y", "z"]), max_size=2).map(tuple)


@given(
    specifications=st.lists(st.tuples(_names, _names, st.integers(0, 3)), max_size=5),
    tags=_names,
    segments=_names,
    order=st.randoms(use_true_random=False),
)
def test_the_order_of_reading_never_decides(
    specifications: list[tuple[tuple[str, ...], tuple[str, ...], int]],
    tags: tuple[str, ...],
    segments: tuple[str, ...],
    order: Random,
) -> None:
    """The same teams give the same route, in whatever order the store returns them."""
    teams = [_team(f"t{n}", tags=t, segments=s, rank=rank) for n, (t, s, rank) in enumerate(specifications)]
    shuffled = [*teams, DEFAULT]
    order.shuffle(shuffled)

    assert RoutingTable(shuffled).route(tags=tags, segments=segments) == RoutingTable([*teams, DEFAULT]).route(
        tags=tags, segments=segments
    )
