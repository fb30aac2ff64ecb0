"""`/v1/audit`: who did what to settings, people and data (S3)."""

from typing import Annotated

from fastapi import Depends, Query
from pydantic import BaseModel, Field

from contracts.audit import AuditAction, AuditOutcome, Detail
from contracts.envelope import UtcDatetime
from contracts.people import Actor
from service_kit.auth import Permission, Principal, requires
from service_kit.http.pages import Cursor, Limit, PageOf
from service_kit.http.routes import Routes
from tickets.audit.audit import AuditEntry, AuditQuery
from tickets.audit.audit_store import AuditStore

Reader = Annotated[Principal, Depends(requires(Permission.AUDIT_READ))]
Id = Annotated[str, Field(max_length=320)] | None


class AuditView(BaseModel):
    """One action; `uncertain` where its process ended in the middle, so that it may have been carried out or not."""

    id: str
    at: UtcDatetime
    action: str
    outcome: AuditOutcome
    actor: Actor
    credential_id: str | None
    target_id: str | None
    service: str
    request_id: str | None
    source_address: str | None
    fields: list[str]
    details: dict[str, Detail]

    @classmethod
    def of(cls, entry: AuditEntry) -> "AuditView":
        """The public side of the document."""
        return cls.model_validate(entry.model_dump(exclude={"rev", "account_id", "actor_id"}))


def _query(
    principal: Reader,
    actor: Annotated[Id, Query(description="Id of the agent or key that acted.")] = None,
    action: AuditAction | None = None,
    target: Annotated[Id, Query(description="Id of what it was done to; of settings the area.")] = None,
    since: Annotated[UtcDatetime | None, Query(description="Included.")] = None,
    until: Annotated[UtcDatetime | None, Query(description="Not included.")] = None,
) -> AuditQuery:
    return AuditQuery(principal.account_id, actor, action, target, since, until)


def audit_router(store: AuditStore) -> Routes:
    """The routes."""
    router = Routes("/v1/audit", tags=["people"])

    @router.get("")
    async def list_audit(
        query: Annotated[AuditQuery, Depends(_query)], limit: Limit = 50, cursor: Cursor = None
    ) -> PageOf[AuditView]:
        """What was done, newest first; a moment after it was done."""
        page = await store.page(query, limit=limit, cursor=cursor)
        return PageOf(items=[AuditView.of(entry) for entry in page.items], next_cursor=page.next_cursor)

    return router
