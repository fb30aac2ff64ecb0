"""One action on many tickets, answered per ticket (L8)."""

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel

from service_kit.auth import Principal
from service_kit.errors import TransientError
from service_kit.problem import Problem
from tickets.ticket_actions import Assignee, TicketActions

BulkAction = Literal["close", "reopen", "assign", "tags"]
"""Public contract."""


class BulkResult(BaseModel):
    """What became of one ticket; `code` is null when it worked, else the problem's."""

    id: str
    ok: bool
    code: str | None = None


class Bulk:
    """Runs the same action on each ticket, one after the other."""

    def __init__(self, actions: TicketActions) -> None:
        self._actions = actions

    async def run(
        self, principal: Principal, action: BulkAction, ids: Sequence[str], assignee: Assignee, tags: Sequence[str]
    ) -> list[BulkResult]:
        """What became of each, in the order given; a ticket named twice is done once."""
        return [await self._one(principal, action, an_id, assignee, tags) for an_id in dict.fromkeys(ids)]

    async def _one(
        self, principal: Principal, action: BulkAction, ticket_id: str, assignee: Assignee, tags: Sequence[str]
    ) -> BulkResult:
        try:
            await self._act(principal, action, ticket_id, assignee, tags)
        except Problem as problem:
            return BulkResult(id=ticket_id, ok=False, code=problem.code)
        except TransientError:
            return BulkResult(id=ticket_id, ok=False, code="unavailable")
        return BulkResult(id=ticket_id, ok=True)

    async def _act(
        self, principal: Principal, action: BulkAction, ticket_id: str, assignee: Assignee, tags: Sequence[str]
    ) -> None:
        match action:
            case "close":
                await self._actions.close(principal, ticket_id, None)
            case "reopen":
                await self._actions.reopen(principal, ticket_id, None)
            case "assign":
                await self._actions.assign(principal, ticket_id, assignee, None)
            case "tags":
                await self._actions.tag(principal, ticket_id, tags, None)
