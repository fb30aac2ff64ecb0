"""One action on many tickets, answered per ticket (L8).

Every action says what shall be, not what to add to it: doing it again, after whatever interrupted it, changes nothing
that it has done.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, assert_never

from pydantic import BaseModel

from contracts.tickets import Priority
from service_kit.auth import Principal
from service_kit.errors import TransientError
from service_kit.problem import Problem
from tickets.life.ticket_edits import Assignee, SnoozeEnd, TicketEdits
from tickets.ticket.desk import Desk, Edit
from tickets.ticket.model import Ticket

BulkAction = Literal[
    "close", "reopen", "assign", "tags", "add_tags", "remove_tags", "snooze", "priority", "read", "unread"
]
"""Public contract."""

MAX_BULK_TICKETS = 10_000

BATCH = 100
"""Read, written and published together; more would make everybody else on this process wait for it."""


class BulkResult(BaseModel):
    """What became of one ticket; `code` is null when it worked, else the problem's."""

    id: str
    ok: bool
    code: str | None = None


@dataclass(frozen=True, slots=True)
class BulkChange:
    """An action and what goes with it."""

    action: BulkAction
    assignee: Assignee = field(default_factory=lambda: Assignee(None))
    tags: Sequence[str] = ()
    priority: Priority = "normal"
    end: SnoozeEnd = "later_today"


class Bulk:
    """Does the same to many tickets, a batch at a time; `bulk_runs` carries it through them all."""

    def __init__(self, desk: Desk, edits: TicketEdits) -> None:
        self._desk = desk
        self._edits = edits

    async def settled(self, principal: Principal, change: BulkChange) -> BulkChange:
        """The action with what "tomorrow" means now, however much later it is carried on."""
        if change.action != "snooze":
            return change
        return replace(change, end=await self._edits.snooze_end(principal, change.end))

    async def ready(self, principal: Principal, change: BulkChange) -> Edit:
        """The change; one that cannot be made is refused for each ticket."""
        try:
            return await self._edit(principal, change)
        except Problem as problem:
            return _refusing(problem)

    async def batch(self, account_id: str, ids: Sequence[str], edit: Edit) -> Sequence[BulkResult]:
        """What became of each, in the order given."""
        try:
            refused = await self._desk.change_each(account_id, ids, edit)
        except TransientError:
            # Some may have been written: what is said of them is only that nobody knows.
            refused = dict.fromkeys(ids, "unavailable")
        return [BulkResult(id=one, ok=one not in refused, code=refused.get(one)) for one in ids]

    async def _edit(self, principal: Principal, change: BulkChange) -> Edit:  # noqa: PLR0911 - one for each action
        edits = self._edits
        match change.action:
            case "close":
                return edits.close(principal)
            case "reopen":
                return await edits.reopen(principal)
            case "assign":
                return await edits.assign(principal, change.assignee)
            case "tags":
                return edits.tag(principal, change.tags)
            case "add_tags":
                return edits.add_tags(principal, change.tags)
            case "remove_tags":
                return edits.remove_tags(principal, change.tags)
            case "snooze":
                return await edits.snooze(principal, change.end)
            case "priority":
                return edits.prioritise(principal, change.priority)
            case "read" | "unread":
                return edits.mark(principal, read=change.action == "read")
            case _:
                assert_never(change.action)


def _refusing(problem: Problem) -> Edit:
    def edit(_: Ticket) -> Ticket:
        raise problem

    return edit
