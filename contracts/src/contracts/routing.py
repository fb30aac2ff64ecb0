"""Requests for, and decisions of, assignment."""

from typing import ClassVar, Literal

from contracts.envelope import Event, Shape
from contracts.tickets import TicketFacts

Exclusion = Literal["offline", "outside_hours", "at_capacity", "not_in_team", "no_permission"]
"""Public contract: why a candidate was not eligible (A9)."""

MatchedBy = Literal["tag", "segment", "person"]
"""Public contract: what led a ticket to its team; a person may have picked it (A1)."""


class RoutingRequested(Event):
    """Something changed that may let a ticket be assigned. Re-keyed by account: one assigner per account at a time.

    `reason` is the type of the event behind it; `ticket` is set when one ticket is concerned, `agent_id` when
    an agent's availability is, and `ticket_id` alone when time has passed for a ticket that is known already.
    """

    key_field: ClassVar[str] = "account_id"

    type: Literal["support.routing.requested.v1"] = "support.routing.requested.v1"
    reason: str
    ticket: TicketFacts | None = None
    ticket_seq: int | None = None
    decision_id: str | None = None
    agent_id: str | None = None
    ticket_id: str | None = None


class Candidate(Shape):
    """An agent who was looked at, and why not taken (`reason` is None for the eligible)."""

    agent_id: str
    eligible: bool
    reason: Exclusion | None = None


class LosingTeam(Shape):
    """A team that matched too, but ranks lower."""

    team_id: str
    rank: int
    matched_by: Literal["tag", "segment"]


class AssignmentDecided(Event):
    """The router decided; tickets applies it if the ticket's epoch and status still fit, or refuses.

    `id` derives from ticket and epoch and round, so that a decision is the same however often it is made.
    `agent_id` is None when a team was chosen but nobody there is eligible: the ticket waits in its queue; or when
    the ticket goes back to the queue because `returned_from` did not answer, or works here no more. The latter is
    applied only if `as_of_seq` is still the ticket's newest event. `overflowed_from` are the teams it waited for too
    long, in order; `matched_by` says what led to the first of them.
    """

    key_field: ClassVar[str] = "ticket_id"

    type: Literal["support.assignment.decided.v1"] = "support.assignment.decided.v1"
    ticket_id: str
    assignment_epoch: int
    agent_id: str | None = None
    team_id: str | None = None
    rule: str
    candidates: tuple[Candidate, ...] = ()
    losing_teams: tuple[LosingTeam, ...] = ()
    schedule_version: int | None = None
    returned_from: str | None = None
    as_of_seq: int | None = None
    overflowed_from: tuple[str, ...] = ()
    matched_by: MatchedBy | None = None
    schedule_id: str | None = None
