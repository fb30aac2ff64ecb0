"""What the public topics tell of assignment, put in order: decisions, what became of them, and who was online."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from contracts.envelope import Event
from contracts.ids import derive_id
from contracts.presence import AgentAvailabilityChanged
from contracts.routing import AssignmentDecided
from contracts.schedules import Schedule
from contracts.tickets import TicketAssigned, TicketAssignmentRefused, TicketEvent

_REACH = 400
"""How far decisions that share a moment can stand from their place when they are sorted by time."""


@dataclass(frozen=True, slots=True)
class Office:
    """Who works there, in which teams and when.

    `members` by team, `routes` by phone of those whom the default team does not serve; without `schedules` (by
    version) it is always open.
    """

    account_id: str
    agents: frozenset[str]
    default_team: str
    members: Mapping[str, frozenset[str]]
    routes: Mapping[str, str] = field(default_factory=dict)
    schedules: Mapping[int, Schedule] = field(default_factory=dict)


@dataclass(slots=True)
class AssignmentStory:
    """Everything told so far; what is told again counts once. `contradictions` were told again differently.

    `waiting` are the tickets that are open, with nobody, and not held by a person.
    """

    decisions: dict[str, AssignmentDecided] = field(default_factory=dict)
    events: dict[str, dict[int, TicketEvent]] = field(default_factory=dict)
    switches: dict[str, list[AgentAvailabilityChanged]] = field(default_factory=dict)
    contradictions: list[str] = field(default_factory=list)
    waiting: set[str] = field(default_factory=set)
    _known: dict[str, Event] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        """One more event, perhaps again."""
        if event.id in self._known:
            if self._known[event.id] != event:
                self.contradictions.append(f"{event.type} {event.id} was told twice, and not the same")
            return
        self._known[event.id] = event
        if isinstance(event, AssignmentDecided):
            self.decisions[event.id] = event
        elif isinstance(event, TicketEvent):
            self._take_ticket_event(event)
        elif isinstance(event, AgentAvailabilityChanged):
            self.switches.setdefault(event.agent_id, []).append(event)

    @property
    def given(self) -> Sequence[AssignmentDecided]:
        """The decisions that name an agent."""
        return [decision for decision in self.decisions.values() if decision.agent_id is not None]

    @property
    def assigned(self) -> Sequence[TicketAssigned]:
        """What tickets did because the router decided it, and gave the ticket to somebody."""
        told = (event for of_ticket in self.events.values() for event in of_ticket.values())
        return [one for one in told if isinstance(one, TicketAssigned) and one.decision_id and one.ticket.assignee_id]

    @property
    def refused(self) -> Mapping[str, TicketAssignmentRefused]:
        """The refusals of decisions that named an agent, by decision."""
        told = (event for of_ticket in self.events.values() for event in of_ticket.values())
        return {one.decision_id: one for one in told if isinstance(one, TicketAssignmentRefused) and one.agent_id}

    def states(self, agent_id: str, since: datetime, until: datetime) -> frozenset[bool]:
        """Which positions the agent's switch had in that time."""
        changes = sorted(self.switches.get(agent_id, []), key=lambda change: change.time)
        before = [change.online for change in changes if change.time <= since]
        during = [change.online for change in changes if since < change.time <= until]
        return frozenset((before[-1] if before else False, *during))

    def _take_ticket_event(self, event: TicketEvent) -> None:
        events = self.events.setdefault(event.ticket_id, {})
        events[event.seq] = event
        facts = events[max(events)].ticket
        is_waiting = facts.status == "open" and facts.assignee_id is None and not facts.held
        (self.waiting.add if is_waiting else self.waiting.discard)(event.ticket_id)


def in_order(account_id: str, given: Sequence[AssignmentDecided]) -> Sequence[AssignmentDecided]:
    """The decisions as they were made, one after the other; those after a missing number are left out.

    The number of a decision is part of its id: it is found again by trying.
    """
    left = sorted(given, key=lambda decision: decision.time)
    ordered: list[AssignmentDecided] = []
    while left:
        number = str(len(ordered) + 1)
        place = next((at for at, one in enumerate(left[:_REACH]) if one.id == _id(account_id, one, number)), None)
        if place is None:
            break
        ordered.append(left.pop(place))
    return ordered


def _id(account_id: str, decision: AssignmentDecided, number: str) -> str:
    return derive_id("dec", account_id, decision.ticket_id, str(decision.assignment_epoch), number)
