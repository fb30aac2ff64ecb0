"""What requests tell about tickets, decisions in flight, load and agents, before anything is decided. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from contracts.routing import RoutingRequested
from contracts.tickets import TicketAssigned, TicketAssignmentRefused
from router.assigning.assigner import Assigner
from router.queue.queued_ticket import QueuedTicket, observed

_ASSIGNED = TicketAssigned.model_fields["type"].default
_REFUSED = TicketAssignmentRefused.model_fields["type"].default


@dataclass(frozen=True, slots=True)
class Observation:
    """The assigner and the tickets named by requests after these; tickets by their own id.

    `frees_capacity`: somebody has less to do than before.
    """

    assigner: Assigner
    tickets: Mapping[str, QueuedTicket] = field(default_factory=dict)
    frees_capacity: bool = False


def observe(assigner: Assigner, known: Mapping[str, QueuedTicket], requests: Iterable[RoutingRequested]) -> Observation:
    """Follow `requests` in order; those seen already change nothing.

    A request about no ticket may let any waiting ticket be assigned, so that all must be looked at; one that time has
    passed for a ticket tells nothing new of it. `known` may hold tickets that no request is about: those whose load
    was noted ahead of them.
    """
    before = assigner
    tickets: dict[str, QueuedTicket] = {}
    for request in requests:
        if request.ticket is None and request.ticket_id is not None:
            tickets |= {one: known[one] for one in (request.ticket_id,) if one in known and one not in tickets}
            continue
        if request.ticket is None:
            assigner = _after_wake(assigner, request)
            continue
        ticket_id = request.ticket.id
        earlier = tickets.get(ticket_id) or known.get(ticket_id)
        ticket = observed(earlier, request, request.ticket)
        tickets[ticket_id] = _without_refused_agent(assigner, ticket, request)
        if ticket is not earlier:
            assigner = assigner.model_copy(update={"load": assigner.load.moved(earlier, ticket)})
        assigner = _after_answer(assigner, request)
    if assigner.load != before.load:
        assigner = assigner.model_copy(update={"load": assigner.load.caught_up(known, but=tickets)})
    return Observation(assigner, tickets, frees_capacity=_frees(before, assigner))


def _frees(before: Assigner, after: Assigner) -> bool:
    """Whether anybody has fewer tickets, those in flight included."""
    was, now = before.tickets_of_each(), after.tickets_of_each()
    return any(now[agent_id] < count for agent_id, count in was.items())


def _after_wake(assigner: Assigner, request: RoutingRequested) -> Assigner:
    rotation = assigner.rotation.without_spares(request.agent_id) if request.agent_id else assigner.rotation
    return assigner.model_copy(update={"has_more": True, "rotation": rotation})


def _after_answer(assigner: Assigner, request: RoutingRequested) -> Assigner:
    if request.reason == _ASSIGNED:
        return assigner.applied(request.decision_id)
    if request.reason == _REFUSED:
        return assigner.refused(request.decision_id)
    return assigner


def _without_refused_agent(assigner: Assigner, ticket: QueuedTicket, request: RoutingRequested) -> QueuedTicket:
    """Refused although the ticket is still free in the same epoch: it was the agent whom tickets does not take.

    They are left out for the rest of the epoch, so that the two services never go in a circle.
    """
    pending = assigner.pending.get(request.decision_id or "") if request.reason == _REFUSED else None
    if pending is None or not ticket.is_free or pending.epoch != ticket.epoch:
        return ticket
    return ticket.model_copy(update={"refused_agents": (*ticket.refused_agents, pending.agent_id)})
