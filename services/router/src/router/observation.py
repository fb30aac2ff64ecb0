"""What requests tell about tickets, decisions in flight and agents, before anything is decided. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from contracts.routing import RoutingRequested
from contracts.tickets import TicketAssigned, TicketAssignmentRefused
from router.assigner import Assigner
from router.queued_ticket import QueuedTicket, observed

_ASSIGNED = TicketAssigned.model_fields["type"].default
_REFUSED = TicketAssignmentRefused.model_fields["type"].default


@dataclass(frozen=True, slots=True)
class Observation:
    """The assigner and the tickets after the requests; tickets by their own id."""

    assigner: Assigner
    tickets: Mapping[str, QueuedTicket] = field(default_factory=dict)


def observe(assigner: Assigner, known: Mapping[str, QueuedTicket], requests: Iterable[RoutingRequested]) -> Observation:
    """Follow `requests` in order; those seen already change nothing.

    A request about no ticket may let any waiting ticket be assigned, so that all must be looked at.
    """
    tickets = dict(known)
    for request in requests:
        if request.ticket is None:
            assigner = _after_wake(assigner, request)
            continue
        ticket = observed(tickets.get(request.ticket.id), request, request.ticket)
        tickets[request.ticket.id] = _without_refused_agent(assigner, ticket, request)
        assigner = _after_answer(assigner, request)
    return Observation(assigner=assigner, tickets=tickets)


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
