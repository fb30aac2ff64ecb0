"""Open tickets of agents who work here no more go back to the queue (A6). Pure.

Also those that a person gave them: nobody else would ever answer. Who is not in the directory at all is not said to
have left: whoever was hired a moment ago may be assigned a ticket before their entry has arrived here.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from contracts.directories import AgentEntry
from contracts.schedules import Schedule
from router.assigning.load import Load
from router.queue.queued_ticket import QueuedTicket
from router.queue.unanswered import FollowUp, taken_back

AGENT_LEFT = "agent_left"
"""Public contract: the rule of a decision that takes a ticket from somebody who left."""


def departed(agents: Iterable[AgentEntry]) -> frozenset[str]:
    """Those who left."""
    return frozenset(agent.id for agent in agents if not agent.active)


def left_behind(agents: Iterable[AgentEntry], load: Load) -> Sequence[str]:
    """Those who left and still have open tickets."""
    return sorted(departed(agents).intersection(load.open))


def handed_back(
    tickets: Sequence[QueuedTicket], gone: Collection[str], schedule: Schedule | None, now: datetime
) -> FollowUp:
    """Take back what those who left have open. There is no answer to wait for then."""
    followed: list[QueuedTicket] = []
    decisions = []
    for ticket in tickets:
        if ticket.counts_for not in gone:
            followed.append(ticket)
            continue
        decisions.append(taken_back(ticket, AGENT_LEFT, schedule, now))
        followed.append(
            ticket.model_copy(update={"returned_from": ticket.counts_for, "awaits_answer_since": None}),
        )
    return FollowUp(followed, tuple(decisions))
