"""What a macro does to a ticket (N2): the changes agents make by hand, one after the other, in one write."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce

from contracts.tickets import Priority, Status
from service_kit.auth import Principal
from tickets.life.ticket_edits import Assignee, TicketEdits
from tickets.macros.macros import MacroActions
from tickets.ticket.desk import Edit
from tickets.ticket.model import Ticket
from tickets.ticket.ticket_problems import agent_needed


@dataclass(frozen=True, slots=True)
class Standing:
    """What a macro may change of a ticket."""

    status: Status
    snoozed_until: datetime | None
    assignee_id: str | None
    priority: Priority
    tags: Sequence[str]


def standing(ticket: Ticket) -> Standing:
    """How a ticket stands."""
    return Standing(ticket.status, ticket.snoozed_until, ticket.assignee_id, ticket.priority, ticket.tags)


async def edit_of(edits: TicketEdits, principal: Principal, actions: MacroActions) -> Edit:
    """The actions as one change; done again it changes nothing more.

    Raises:
        Problem: there is no such agent.
    """
    steps: list[Edit] = []
    if actions.remove_tags:
        steps.append(edits.remove_tags(principal, actions.remove_tags))
    if actions.add_tags:
        steps.append(edits.add_tags(principal, actions.add_tags))
    if actions.priority is not None:
        steps.append(edits.prioritise(principal, actions.priority))
    if actions.assignee is not None:
        steps.append(await edits.assign(principal, _assignee(principal, actions.assignee)))
    if actions.snooze is not None:
        steps.append(await edits.snooze(principal, actions.snooze))
    if actions.status == "close":
        steps.append(edits.close(principal))

    def edit(ticket: Ticket) -> Ticket:
        return reduce(lambda current, step: step(current), steps, ticket)

    return edit


def _assignee(principal: Principal, named: str) -> Assignee:
    if named == "none":
        return Assignee(None)
    if named == "me" and principal.agent_id is None:
        raise agent_needed()
    return Assignee(principal.agent_id if named == "me" else named)
