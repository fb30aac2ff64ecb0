"""Who may be given a ticket now, and why the others may not (A9). Pure.

Of several reasons the one that lasts longest is named: what somebody may do changes less often than their team,
their team less often than the time of day, and that is beyond their control while the switch is not.
"""

from collections.abc import Collection, Iterable

from contracts.people import Role
from contracts.routing import Candidate, Exclusion
from contracts.settings import AgentEntry
from router.teams import Team


def candidates(
    agents: Iterable[AgentEntry],
    team: Team,
    *,
    answering_roles: Collection[Role],
    online: Collection[str] | None,
    is_open: bool,
    refused: Collection[str] = (),
) -> tuple[Candidate, ...]:
    """Every agent of the account by id, each eligible or excluded for one reason.

    `online` None: presence does not count (round robin is off, nobody has a switch). `refused` names agents whom
    tickets has just refused for this ticket.
    """
    members = None if team.is_default else frozenset(team.member_ids)

    def exclusion(agent: AgentEntry) -> Exclusion | None:
        if not agent.active or agent.role not in answering_roles or agent.id in refused:
            return "no_permission"
        if members is not None and agent.id not in members:
            return "not_in_team"
        if not is_open:
            return "outside_hours"
        if online is not None and agent.id not in online:
            return "offline"
        return None

    judged = ((agent.id, exclusion(agent)) for agent in agents)
    return tuple(
        Candidate(agent_id=agent_id, eligible=reason is None, reason=reason) for agent_id, reason in sorted(judged)
    )


def eligible_ids(judged: Iterable[Candidate]) -> tuple[str, ...]:
    """Those who may be given the ticket."""
    return tuple(candidate.agent_id for candidate in judged if candidate.eligible)
