"""`/v1/intake/counts`: what was received and how it ended, to be set against what the gateways took (I2)."""

from typing import Annotated, Literal

from fastapi import Depends, Query
from pydantic import AwareDatetime, BaseModel, Field

from contracts.intake import Verdict
from service_kit.auth import Permission, Principal, requires
from service_kit.http.pages import Cursor, Limit, PageOf
from service_kit.http.routes import Routes
from tickets.ledger.intake_counter import IntakeCounter
from tickets.ledger.intake_counts import Counted, IntakeRange

Reader = Annotated[Principal, Depends(requires(Permission.TICKETS_READ))]


class IntakeCount(BaseModel):
    """What one mailbox received, or how often one verdict was given."""

    name: str = Field(description="Our address or number, or the verdict.", examples=["support@acme.example"])
    received: int = Field(description="Deliveries; the sum of `verdicts`.", examples=[3])
    verdicts: dict[Verdict, int] = Field(examples=[{"created": 2, "duplicate": 1}])
    is_exact: bool = Field(description="False where a verdict was counted to its limit of a million.", examples=[True])

    @classmethod
    def of(cls, counted: Counted) -> "IntakeCount":
        """The public side of a row."""
        return cls(
            name=counted.name,
            received=counted.received,
            verdicts=dict(counted.verdicts),
            is_exact=counted.is_exact,
        )


def _range(
    principal: Reader,
    start: Annotated[AwareDatetime, Query(alias="from", description="When the first was received.")],
    end: Annotated[AwareDatetime, Query(alias="to", description="Before this; 92 days later at most.")],
) -> IntakeRange:
    return IntakeRange(principal.account_id, start, end)


def intake_counts_router(counter: IntakeCounter) -> Routes:
    """The route."""
    router = Routes("/v1/intake/counts", tags=["intake"])

    @router.get("")
    async def count_intake(
        asked: Annotated[IntakeRange, Depends(_range)],
        group: Literal["mailbox", "verdict"] = "mailbox",
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> PageOf[IntakeCount]:
        """Deliveries of a time, for each mailbox or number (by name), or for each verdict.

        A replay from quarantine is a delivery of its own, received when the one that it replays was.
        """
        if group == "verdict":
            return PageOf(items=[IntakeCount.of(row) for row in await counter.by_verdict(asked)])
        rows, following = await counter.by_mailbox(asked, after=cursor or "", limit=limit)
        return PageOf(items=[IntakeCount.of(row) for row in rows], next_cursor=following)

    return router
