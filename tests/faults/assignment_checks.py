"""Holds the story of assignment against the office it happened in, and says in a sentence each what is wrong. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from contracts.routing import AssignmentDecided
from contracts.tickets import TicketAssigned, TicketAssignmentRefused, TicketEvent
from faults.assignment_story import AssignmentStory, Office, in_order
from faults.turn_checks import turn_violations
from service_kit.office_hours import is_open

SITTING = timedelta(seconds=5)
"""The router reads the switches, and then the clock: this much later at most, on a machine that is too busy."""

_MOST_TOLD = 30


def assignment_violations(story: AssignmentStory, office: Office) -> list[str]:
    """Every broken law of assignment, once nothing moves any more; empty if there is none."""
    found = list(_all(story, office))
    return found if len(found) <= _MOST_TOLD else [*found[:_MOST_TOLD], f"… and {len(found) - _MOST_TOLD} more"]


def peers(decisions: Sequence[AssignmentDecided]) -> frozenset[frozenset[str]]:
    """Agents who were eligible for just the same tickets; those never eligible are left out."""
    eligible_for: dict[str, set[str]] = {}
    for decision in decisions:
        for candidate in decision.candidates:
            if candidate.eligible:
                eligible_for.setdefault(candidate.agent_id, set()).add(decision.id)
    groups: dict[frozenset[str], set[str]] = {}
    for agent_id, decision_ids in eligible_for.items():
        groups.setdefault(frozenset(decision_ids), set()).add(agent_id)
    return frozenset(map(frozenset, groups.values()))


def spread(agents: frozenset[str], assigned: Sequence[TicketAssigned]) -> int:
    """By how many automatic assignments that stood one of `agents` is ahead of another (A2)."""
    counts = Counter(event.ticket.assignee_id for event in assigned)
    of_each = [counts[agent_id] for agent_id in agents]
    return max(of_each) - min(of_each)


def _all(story: AssignmentStory, office: Office) -> Iterator[str]:
    yield from story.contradictions
    for ticket_id, events in story.events.items():
        yield from _of_ticket(ticket_id, [events[seq] for seq in sorted(events)])
    yield from _answers(story)
    for decision in story.decisions.values():
        yield from _candidates(decision, story, office)
    ordered = in_order(office.account_id, story.given)
    if len(ordered) < len(story.given):
        yield f"{len(story.given)} decisions name an agent, and only {len(ordered)} are numbered without a gap"
    refused_at = {one: refusal.time for one, refusal in story.refused.items()}
    shifted_at = {agent_id: [change.time for change in changes] for agent_id, changes in story.switches.items()}
    yield from turn_violations(ordered, refused_at, shifted_at)
    if story.waiting:
        yield f"{len(story.waiting)} tickets were left to nobody, {min(story.waiting)} among them"


def _of_ticket(ticket_id: str, events: Sequence[TicketEvent]) -> Iterator[str]:
    """Numbered without a gap, and given out once an epoch (A6)."""
    numbers = [event.seq for event in events]
    if numbers != list(range(1, len(events) + 1)):
        yield f"the events of ticket {ticket_id} are numbered {numbers}"
    given = [
        event
        for event in events
        if isinstance(event, TicketAssigned) and event.decision_id and event.ticket.assignee_id
    ]
    for epoch, count in Counter(event.ticket.assignment_epoch for event in given).items():
        if count > 1:
            yield f"ticket {ticket_id} was assigned {count} times in epoch {epoch}"


def _answers(story: AssignmentStory) -> Iterator[str]:
    """Each decision is made once, and applied as it is or refused, once."""
    answers = _answers_by_decision(story)
    for decision_id in answers.keys() - story.decisions.keys():
        yield f"tickets answers the decision {decision_id}, which nobody made"
    epochs = Counter((decision.ticket_id, decision.assignment_epoch) for decision in story.given)
    for (ticket_id, epoch), count in epochs.items():
        if count > 1:
            yield f"ticket {ticket_id} was decided about {count} times in epoch {epoch}"
    for decision in story.decisions.values():
        told = answers.get(decision.id, [])
        if len(told) != 1:
            yield f"decision {decision.id} about ticket {decision.ticket_id} was answered {len(told)} times"
        for answer in told:
            if isinstance(answer, TicketAssigned) and _differs(answer, decision):
                yield f"decision {decision.id} says {decision.agent_id}, and it was {answer.ticket.assignee_id}"


def _answers_by_decision(story: AssignmentStory) -> Mapping[str, Sequence[TicketEvent]]:
    found: dict[str, list[TicketEvent]] = {}
    for events in story.events.values():
        for event in events.values():
            if isinstance(event, TicketAssigned | TicketAssignmentRefused) and event.decision_id:
                found.setdefault(event.decision_id, []).append(event)
    return found


def _differs(answer: TicketAssigned, decision: AssignmentDecided) -> bool:
    facts = answer.ticket
    told = (answer.ticket_id, facts.assignee_id, facts.team_id, facts.assignment_epoch)
    return told != (decision.ticket_id, decision.agent_id, decision.team_id, decision.assignment_epoch)


def _candidates(decision: AssignmentDecided, story: AssignmentStory, office: Office) -> Iterator[str]:
    """Every agent is judged as somebody would who looks at teams, clock and switches; one eligible is chosen (A9)."""
    judged = {candidate.agent_id: candidate.reason for candidate in decision.candidates}
    if judged.keys() != office.agents or len(judged) != len(decision.candidates):
        yield f"decision {decision.id} judges {sorted(judged)}"
    if decision.schedule_version not in (office.schedules or {None}):
        yield f"decision {decision.id} goes by version {decision.schedule_version} of the schedule"
    for agent_id, reason in judged.items():
        possible = _reasons(agent_id, decision, story, office)
        if reason not in possible:
            yield f"decision {decision.id} says of {agent_id}: {reason}, and it was {sorted(map(str, possible))}"
    eligible = {candidate.agent_id for candidate in decision.candidates if candidate.eligible}
    if eligible != {agent_id for agent_id, reason in judged.items() if reason is None}:
        yield f"decision {decision.id} excludes somebody for no reason, or takes somebody in spite of one"
    if decision.agent_id not in eligible and (eligible or decision.agent_id):
        yield f"decision {decision.id} takes {decision.agent_id}, and eligible are {sorted(eligible)}"


def _reasons(
    agent_id: str, decision: AssignmentDecided, story: AssignmentStory, office: Office
) -> frozenset[str | None]:
    """Why an agent may or may not have been eligible; two answers where their switch has just been set."""
    if agent_id not in office.members.get(decision.team_id or "", frozenset()):
        return frozenset({"not_in_team"})
    schedule = office.schedules.get(decision.schedule_version or 0)
    if not is_open(schedule, decision.time):
        return frozenset({"outside_hours"})
    states = story.states(agent_id, decision.time - SITTING, decision.time)
    return frozenset(None if online else "offline" for online in states)
