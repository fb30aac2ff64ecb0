"""`/v1/queue` and `/v1/tickets/{id}/decisions`: who waits, and why what was decided."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from fastapi import Depends
from pydantic import BaseModel, Field

from contracts.routing import Candidate, LosingTeam, MatchedBy
from router.assigning.decision_store import DecisionStore
from router.assigning.decisions import DecisionRecord
from router.assigning.explanation import explained
from router.names import Names
from router.queue.arrival import arrived
from router.queue.queue_store import QueueStore
from service_kit.auth import Permission, Principal, requires
from service_kit.http.pages import Cursor, Limit, PageOf
from service_kit.http.problems import not_found
from service_kit.http.routes import Routes

_NEW_TICKET_SECONDS = 1.0

Reader = Annotated[Principal, Depends(requires(Permission.TICKETS_READ))]


class WaitingTicket(BaseModel):
    """A ticket in the queue."""

    ticket_id: str
    team_id: str | None
    since: datetime


class ExplainedDecision(BaseModel):
    """One automatic decision. `chosen` null: nobody was eligible and the ticket waits for its team."""

    id: str
    at: datetime
    explanation: str = Field(description="The same in words, for people to read.")
    rule: str = Field(
        description="round_robin, least_loaded, team_member (round robin is off), nobody_eligible, or why it was taken"
        " back: not_answered, agent_left."
    )
    chosen: str | None
    team_id: str | None
    candidates: list[Candidate]
    losing_teams: list[LosingTeam]
    matched_by: MatchedBy | None = Field(description="What led to its team; null: no team matched.")
    overflowed_from: list[str] = Field(description="Teams that it waited for too long, in order.")
    returned_from: str | None = Field(description="Who had it, where it was taken back.")
    schedule_id: str | None
    schedule_version: int | None


def assignment_router(queue: QueueStore, decisions: DecisionStore, names: Names) -> Routes:
    """The routes."""
    router = Routes("/v1", tags=["assignment"])

    @router.get("/queue")
    async def list_queue(principal: Reader, limit: Limit = 50, cursor: Cursor = None) -> PageOf[WaitingTicket]:
        """Tickets that wait to be assigned, longest waiting first."""
        page = await queue.waiting(principal.account_id, limit=limit, cursor=cursor)
        waiting = [WaitingTicket(ticket_id=t.ticket_id, team_id=t.team_id, since=t.queued_at) for t in page.items]
        return PageOf(items=waiting, next_cursor=page.next_cursor)

    @router.get("/tickets/{ticket_id}/decisions")
    async def list_decisions(
        ticket_id: str, principal: Reader, limit: Limit = 50, cursor: Cursor = None
    ) -> PageOf[ExplainedDecision]:
        """Every automatic decision about a ticket, oldest first: candidates, exclusions, rule, hours."""
        known = await arrived(lambda: queue.find(principal.account_id, ticket_id), within_seconds=_NEW_TICKET_SECONDS)
        if known is None:
            raise not_found("ticket")
        page = await decisions.of_ticket(principal.account_id, ticket_id, limit=limit, cursor=cursor)
        known_names = await names.of_account(principal.account_id) if page.items else {}
        return PageOf(items=[_shown(record, known_names) for record in page.items], next_cursor=page.next_cursor)

    return router


def _shown(record: DecisionRecord, names: Mapping[str, str]) -> ExplainedDecision:
    return ExplainedDecision(
        id=record.id,
        at=record.at,
        explanation=explained(record, names),
        rule=record.rule,
        chosen=record.chosen,
        team_id=record.team_id,
        candidates=list(record.candidates),
        losing_teams=list(record.losing_teams),
        matched_by=record.matched_by,
        overflowed_from=list(record.overflowed_from),
        returned_from=record.returned_from,
        schedule_id=record.schedule_id,
        schedule_version=record.schedule_version,
    )
