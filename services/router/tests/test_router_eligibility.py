"""Who may be given a ticket, and why the others may not (A9)."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.directories import AgentEntry
from contracts.routing import Candidate, Exclusion
from router.assigning.account_facts import ANSWERING_ROLES
from router.assigning.eligibility import eligible_ids, roll
from router.teams.teams import Team, default_team

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
EVERYONE = default_team("acc", NOW)
BILLING = Team(id="billing", account_id="acc", name="Billing", member_ids=("ann",), created_at=NOW, updated_at=NOW)


def _agent(agent_id: str, *, active: bool = True) -> AgentEntry:
    return AgentEntry(id=agent_id, name=agent_id, email=f"{agent_id}@acme.example", role="support", active=active)


@pytest.mark.parametrize(
    ("agent", "team", "online", "is_open", "refused", "full", "reason"),
    [
        (_agent("ann"), EVERYONE, {"ann"}, True, (), ("bob",), None),
        (_agent("ann"), EVERYONE, {"ann"}, True, (), ("ann",), "at_capacity"),
        (_agent("ann"), EVERYONE, set(), True, (), ("ann",), "offline"),
        (_agent("ann"), BILLING, {"ann"}, True, (), (), None),
        (_agent("bob"), BILLING, {"bob"}, True, (), (), "not_in_team"),
        (_agent("ann"), EVERYONE, set(), True, (), (), "offline"),
        (_agent("ann"), EVERYONE, {"ann"}, False, (), (), "outside_hours"),
        (_agent("ann"), EVERYONE, set(), False, (), (), "outside_hours"),
        (_agent("ann", active=False), EVERYONE, {"ann"}, True, (), (), "no_permission"),
        (_agent("ann"), EVERYONE, {"ann"}, True, ("ann",), (), "no_permission"),
        (_agent("ann"), EVERYONE, None, True, (), (), None),
        (_agent("ann"), EVERYONE, None, False, (), (), "outside_hours"),
    ],
    ids=[
        "eligible",
        "at-capacity",
        "offline-and-at-capacity",
        "member",
        "not-in-team",
        "offline",
        "closed",
        "closed-and-offline",
        "inactive",
        "refused-by-tickets",
        "presence-does-not-count",
        "hours-count-without-presence",
    ],
)
def test_each_agent_is_eligible_or_excluded_for_one_reason(
    agent: AgentEntry,
    team: Team,
    online: set[str] | None,
    is_open: bool,  # noqa: FBT001 - a table's column
    refused: tuple[str, ...],
    full: tuple[str, ...],
    reason: Exclusion | None,
) -> None:
    """The closed set of exclusions, each for its own cause."""
    (candidate,) = roll(
        [agent], answering_roles=ANSWERING_ROLES, online=online, is_open=is_open, barred=refused, full=full
    ).of(team)

    assert candidate == Candidate(agent_id=agent.id, eligible=reason is None, reason=reason)


def test_a_role_that_may_not_answer_is_never_given_tickets() -> None:
    """Field note 12: nobody gets a ticket they may not reply to."""
    (candidate,) = roll([_agent("ann")], answering_roles={"manager"}, online={"ann"}, is_open=True).of(EVERYONE)

    assert candidate.reason == "no_permission"


@given(
    active=st.sets(st.sampled_from("abcdef")),
    online=st.sets(st.sampled_from("abcdef")),
    members=st.sets(st.sampled_from("abcdef")),
    is_open=st.booleans(),
)
def test_only_those_without_an_exclusion_are_eligible(
    active: set[str],
    online: set[str],
    members: set[str],
    is_open: bool,  # noqa: FBT001 - a drawn value
) -> None:
    """Every agent is judged once, and exactly those are eligible whom nothing excludes."""
    team = BILLING.model_copy(update={"member_ids": tuple(members)})
    agents = [_agent(agent_id, active=agent_id in active) for agent_id in "fedcba"]

    judged = roll(agents, answering_roles=ANSWERING_ROLES, online=online, is_open=is_open).of(team)

    assert [candidate.agent_id for candidate in judged] == list("abcdef")
    assert set(eligible_ids(judged)) == (active & online & members if is_open else set())
    assert all(candidate.eligible == (candidate.reason is None) for candidate in judged)
