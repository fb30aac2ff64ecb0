"""Whether a list may show a ticket, judged by what an event says of it. Pure."""

from dataclasses import dataclass

from contracts.tickets import TicketFacts
from service_kit.auth import Principal
from tickets.lists.narrowing import Narrowing
from tickets.ticket.ticket_problems import agent_needed


@dataclass(frozen=True, slots=True)
class FollowedView:
    """One view as one caller sees it."""

    view: str
    agent_id: str | None
    narrowing: Narrowing

    def may_show(self, ticket: TicketFacts) -> bool:
        """Whether it shows the ticket; where it asks for more than events tell (words), it may."""
        wanted = {
            "status": self.narrowing.stored_status,
            "assignee_id": self.agent_id if self.view == "mine" else self.narrowing.assignee_id,
            "team_id": self.narrowing.team_id,
            "channel": self.narrowing.channel,
            "priority": self.narrowing.priority,
            "contact_id": self.narrowing.contact_id,
        }
        return (
            not ticket.hidden
            and not (self.view == "unassigned" and ticket.assignee_id is not None)
            and (self.narrowing.tag is None or self.narrowing.tag in ticket.tags)
            and all(getattr(ticket, field) == value for field, value in wanted.items() if value is not None)
        )


def followed_view(principal: Principal, view: str, narrowing: Narrowing) -> FollowedView:
    """The view that a caller follows.

    Raises:
        Problem: *My inbox* of a caller who is nobody.
    """
    if view == "mine" and principal.agent_id is None:
        raise agent_needed()
    return FollowedView(view, principal.agent_id, narrowing)
