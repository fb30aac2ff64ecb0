"""`/v1/intake`: how each delivery of a provider message ended (I2)."""

from typing import Annotated

from fastapi import Depends, Query
from pydantic import BaseModel

from contracts.envelope import UtcDatetime
from contracts.intake import Verdict
from contracts.people import Channel
from service_kit.auth import Permission, Principal, requires
from service_kit.http.pages import Cursor, Limit, PageOf
from service_kit.http.routes import Routes
from tickets.ledger.intake_entry import IntakeEntry
from tickets.ledger.intake_ledger import IntakeLedger, IntakeQuery

Reader = Annotated[Principal, Depends(requires(Permission.TICKETS_READ))]


class IntakeView(BaseModel):
    """One delivery; `reason` explains `quarantined`."""

    id: str
    channel: Channel
    provider_message_id: str
    mailbox: str
    verdict: Verdict
    rule: str
    reason: str | None
    ticket_id: str | None
    received_at: UtcDatetime

    @classmethod
    def of(cls, entry: IntakeEntry) -> "IntakeView":
        """The public side of the document."""
        return cls(
            id=entry.id,
            channel=entry.channel,
            provider_message_id=entry.provider_message_id,
            mailbox=entry.mailbox,
            verdict=entry.verdict,
            rule=entry.rule,
            reason=entry.reason,
            ticket_id=entry.ticket_id,
            received_at=entry.received_at,
        )


def _query(
    principal: Reader,
    channel: Channel | None = None,
    verdict: Verdict | None = None,
    mailbox: Annotated[str | None, Query(max_length=320)] = None,
    provider_message_id: Annotated[str | None, Query(max_length=1000)] = None,
) -> IntakeQuery:
    return IntakeQuery(principal.account_id, channel, verdict, mailbox, provider_message_id)


def intake_router(ledger: IntakeLedger) -> Routes:
    """The routes."""
    router = Routes("/v1/intake", tags=["intake"])

    @router.get("")
    async def list_intake(
        query: Annotated[IntakeQuery, Depends(_query)], limit: Limit = 50, cursor: Cursor = None
    ) -> PageOf[IntakeView]:
        """Verdicts, newest first."""
        page = await ledger.page(query, limit=limit, cursor=cursor)
        return PageOf(items=[IntakeView.of(entry) for entry in page.items], next_cursor=page.next_cursor)

    return router
