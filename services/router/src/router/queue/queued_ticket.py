"""The router's copy of a ticket: what it must know to decide, and its place in the queue. Pure; no I/O."""

from datetime import datetime

from contracts.envelope import UtcDatetime
from contracts.people import Channel
from contracts.routing import RoutingRequested
from contracts.tickets import TicketAssigned, TicketFacts, TicketMessageAdded, TicketUnassigned
from service_kit.docstore import CollectionSpec, Index
from service_kit.timers import Timed

_ASSIGNED = TicketAssigned.model_fields["type"].default
_ANSWERED = TicketMessageAdded.model_fields["type"].default
_UNASSIGNED = TicketUnassigned.model_fields["type"].default


class QueuedTicket(Timed):
    """One ticket. `seq` is the newest of its events seen; older ones change nothing.

    It `is_free` while it is open, without assignee and not held by a person, since `queued_at`; and `is_waiting`
    while no decision for it is in flight besides. `team_id` is where it was routed last, or where tickets says it is.
    A team that a person picked without an agent stays (`picked_team_id`). `announced_*` name the decision that told
    tickets the team while nobody there was eligible: one for each team and epoch. `refused_agents` were refused in
    this epoch although the ticket was free. `counts_for` is the agent who has it open: whose load it adds to.
    Since `waits_since` it waits for the team `waits_for`, which others may take over from. Since
    `awaits_answer_since` it is assigned automatically and not answered; `returned_from` did not, and others are asked
    first now.
    """

    account_id: str
    ticket_id: str
    seq: int
    epoch: int
    channel: Channel
    contact_id: str
    tags: tuple[str, ...] = ()
    team_id: str | None = None
    picked_team_id: str | None = None
    is_free: bool = False
    is_waiting: bool = False
    queued_at: UtcDatetime
    announced_id: str | None = None
    announced_epoch: int | None = None
    announced_team_id: str | None = None
    refused_agents: tuple[str, ...] = ()
    counts_for: str | None = None
    waits_for: str | None = None
    waits_since: UtcDatetime | None = None
    awaits_answer_since: UtcDatetime | None = None
    returned_from: str | None = None

    def waiting_for(self, team_id: str, now: datetime) -> datetime:
        """Since when it waits for this team: since it joined the queue, unless it waited for another one before."""
        if self.waits_for is None or self.waits_since is None:
            return self.queued_at
        return self.waits_since if self.waits_for == team_id else now

    def is_announced(self, team_id: str) -> bool:
        """Whether tickets was told already that this team has the ticket and nobody there is eligible."""
        return (self.announced_epoch, self.announced_team_id) == (self.epoch, team_id)


QUEUED_TICKETS = CollectionSpec(
    name="queued_tickets",
    model=QueuedTicket,
    indexes=(
        Index(("account_id", "is_waiting", "queued_at")),
        Index(("is_waiting", "queued_at")),
        Index(("account_id", "counts_for")),
        Index(("due_at",)),
    ),
)


def queued_ticket_id(account_id: str, ticket_id: str) -> str:
    """The document's id; it holds the account, so that no account can ask for another's."""
    return f"{account_id}/{ticket_id}"


def observed(before: QueuedTicket | None, request: RoutingRequested, facts: TicketFacts) -> QueuedTicket:
    """The ticket after one of its events; the same if that event was seen already."""
    seq = request.ticket_seq or 0
    if before is not None and seq <= before.seq:
        return before
    is_seen = facts.status == "open" and not facts.hidden
    is_free = is_seen and facts.assignee_id is None and not facts.held
    after = QueuedTicket(
        id=queued_ticket_id(request.account_id, facts.id),
        rev=before.rev if before else 0,
        account_id=request.account_id,
        ticket_id=facts.id,
        seq=seq,
        epoch=facts.assignment_epoch,
        channel=facts.channel,
        contact_id=facts.contact_id,
        tags=facts.tags,
        team_id=facts.team_id,
        picked_team_id=_picked(before, request, facts),
        is_free=is_free,
        is_waiting=is_free,
        queued_at=before.queued_at if before and is_free and _kept_its_place(before) else request.time,
        counts_for=facts.assignee_id if is_seen else None,
    )
    after = _with_memory(before, request, after) if before else after
    return after.model_copy(update={"awaits_answer_since": _awaits_answer_since(before, request, after)})


def _kept_its_place(before: QueuedTicket) -> bool:
    """It was in the queue, or comes back to it unanswered: then its place is that of its assignment."""
    return before.is_free or before.returned_from is not None


def _awaits_answer_since(
    before: QueuedTicket | None, request: RoutingRequested, after: QueuedTicket
) -> UtcDatetime | None:
    """Since when an automatic assignment waits for its assignee's answer."""
    if after.counts_for is None or request.reason == _ANSWERED:
        return None
    if request.reason == _ASSIGNED and request.decision_id is not None:
        return request.time
    is_same = before is not None and (before.epoch, before.counts_for) == (after.epoch, after.counts_for)
    return before.awaits_answer_since if before and is_same else None


def _picked(before: QueuedTicket | None, request: RoutingRequested, facts: TicketFacts) -> str | None:
    """The team a person gave it to, until somebody has it or it is closed.

    Assigned to nobody, or taken from somebody into another team: only a person does that.
    """
    if facts.assignee_id is not None or facts.status == "closed":
        return None
    is_by_hand = request.reason == _ASSIGNED and request.decision_id is None
    has_moved = request.reason == _UNASSIGNED and before is not None and facts.team_id != before.team_id
    if is_by_hand or has_moved:
        return facts.team_id
    return before.picked_team_id if before else None


def _with_memory(before: QueuedTicket, request: RoutingRequested, after: QueuedTicket) -> QueuedTicket:
    """What was told and refused is remembered for as long as the epoch lasts.

    When tickets takes the announcement itself for a new epoch, it is not one that needs another announcement.
    """
    told_so = before.announced_id is not None and request.decision_id == before.announced_id
    is_same_epoch = before.epoch == after.epoch
    return after.model_copy(
        update={
            "announced_id": before.announced_id,
            "announced_epoch": after.epoch if told_so else before.announced_epoch,
            "announced_team_id": before.announced_team_id,
            "refused_agents": before.refused_agents if is_same_epoch else (),
            "waits_for": before.waits_for if after.is_free else None,
            "waits_since": before.waits_since if after.is_free else None,
            "returned_from": _returned_from(before, request, after),
        }
    )


def _returned_from(before: QueuedTicket, request: RoutingRequested, after: QueuedTicket) -> str | None:
    """Who did not answer, until somebody does or has it."""
    has_somebody = request.reason == _ASSIGNED and after.counts_for is not None
    if request.reason == _ANSWERED or has_somebody:
        return None
    return before.returned_from if after.is_free or before.epoch == after.epoch else None
