"""`/v1/queue` and `/v1/tickets/{id}/decisions`: who waits, and why what was decided."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends
from pydantic import BaseModel, Field

from contracts.routing import Candidate, LosingTeam
from router.arrival import arrived
from router.decision_store import DecisionStore
from router.decisions import DecisionRecord
from router.queue_store import QueueStore
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
    rule: str = Field(description="round_robin, team_member (round robin is off) or nobody_eligible.")
    chosen: str | None
    team_id: str | None
    candidates: list[Candidate]
    losing_teams: list[LosingTeam]
    schedule_version: int | None


def assignment_router(queue: QueueStore, decisions: DecisionStore) -> Routes:
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
        return PageOf(items=[_explained(record) for record in page.items], next_cursor=page.next_cursor)

    return router


def _explained(record: DecisionRecord) -> ExplainedDecision:
    return ExplainedDecision(
        id=record.id,
        at=record.at,
        rule=record.rule,
        chosen=record.chosen,
        team_id=record.team_id,
        candidates=list(record.candidates),
        losing_teams=list(record.losing_teams),
        schedule_version=record.schedule_version,
    )
