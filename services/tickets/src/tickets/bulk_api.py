"""`POST /v1/tickets/bulk`: one action on many tickets, answered at once or as it goes (L8)."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import Depends, Header
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, model_validator

from contracts.envelope import UtcDatetime
from contracts.tickets import Priority
from service_kit.auth import Permission, Principal, requires
from service_kit.http.routes import Routes
from service_kit.problem import Problem
from tickets.bulk import MAX_BULK_TICKETS, BulkAction, BulkChange, BulkResult
from tickets.bulk_runs import BulkRun, BulkRuns
from tickets.saved_views import ViewFilter
from tickets.snooze_presets import SnoozePreset
from tickets.ticket_edits import MAX_TAGS, Assignee
from tickets.ticket_lists import TicketLists

NDJSON = "application/x-ndjson"

Writer = Annotated[Principal, Depends(requires(Permission.TICKETS_WRITE))]
Accept = Annotated[
    str | None,
    Header(max_length=1_000, description=f"`{NDJSON}` has results and progress streamed, a JSON object a line."),
]
Tag = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^\S(.*\S)?$")]
TicketIds = Annotated[list[Annotated[str, Field(max_length=100)]], Field(min_length=1, max_length=MAX_BULK_TICKETS)]


class BulkRequest(BaseModel):
    """One action on the tickets of `ids`, or on all that `filter` shows when it begins, 10,000 at most.

    `agent_id` and `team_id` go with `assign`, `tags` with the three actions on tags, `priority` with its own, and
    either `until` or `preset` with `snooze`.
    """

    model_config = ConfigDict(extra="forbid")

    ids: TicketIds | None = None
    filter: ViewFilter | None = None
    action: BulkAction
    agent_id: Annotated[str | None, Field(max_length=100)] = None
    team_id: Annotated[str | None, Field(max_length=100)] = None
    tags: Annotated[list[Tag], Field(max_length=MAX_TAGS)] = []
    priority: Priority | None = None
    until: UtcDatetime | None = None
    preset: SnoozePreset | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> "BulkRequest":
        if (self.ids is None) == (self.filter is None):
            raise ValueError("say either `ids` or `filter`")
        if self.action in {"add_tags", "remove_tags"} and not self.tags:
            raise ValueError(f"`{self.action}` needs `tags`")
        if self.action == "priority" and self.priority is None:
            raise ValueError("`priority` is missing")
        if self.action == "snooze" and (self.until is None) == (self.preset is None):
            raise ValueError("`snooze` needs either `until` or `preset`")
        return self

    def change(self) -> BulkChange:
        """The action for the workflow."""
        return BulkChange(
            action=self.action,
            assignee=Assignee(self.agent_id, self.team_id, keeps_team="team_id" not in self.model_fields_set),
            tags=self.tags,
            priority=self.priority or "normal",
            end=self.until or self.preset or "later_today",
        )


class BulkAnswer(BaseModel):
    """What became of each ticket, in the order given."""

    results: list[BulkResult]


class BulkProgress(BaseModel):
    """How far a streamed action is; said after each batch of results."""

    done: int
    failed: int
    total: int


class ProgressLine(BaseModel):
    """A line of the stream that says how far it is."""

    progress: BulkProgress


class EndLine(BaseModel):
    """The last line of a stream. One that stops without it was cut off: the same request again does what is left."""

    end: BulkProgress


_STREAMED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "What became of each ticket; as a stream: a line for each, `progress` now and then, `end` last.",
        "content": {
            NDJSON: {
                "schema": {"type": "string"},
                "example": '{"id":"tic_1","ok":true,"code":null}\n'
                '{"progress":{"done":1,"failed":0,"total":1}}\n{"end":{"done":1,"failed":0,"total":1}}\n',
            }
        },
    }
}


def bulk_router(runs: BulkRuns, lists: TicketLists) -> Routes:
    """The route. It is to be included before those that read `/v1/tickets/{id}`."""
    router = Routes("/v1/tickets", tags=["tickets"])

    @router.post("/bulk", response_model=BulkAnswer, responses=_STREAMED)
    async def change_many(
        principal: Writer, request: BulkRequest, accept: Accept = None
    ) -> BulkAnswer | StreamingResponse:
        """Do one thing to many tickets; each succeeds or fails on its own (L8).

        Once begun it goes on to its end, also when the caller hangs up; repeating it changes nothing more.
        """
        ids = request.ids or []
        if request.filter is not None:
            ids = await lists.ids(principal, request.filter, at_most=MAX_BULK_TICKETS)
        run = runs.begin(principal, request.change(), ids)
        if NDJSON in (accept or ""):
            return StreamingResponse(_lines(run), media_type=NDJSON, headers={"Cache-Control": "no-store"})
        results = [result async for batch in run.batches() for result in batch]
        if not run.has_ended:
            raise Problem(503, "unavailable", "The action was cut off; the same request again does what is left.")
        return BulkAnswer(results=results)

    return router


async def _lines(run: BulkRun) -> AsyncIterator[str]:
    """The stream: the results of each batch, then how far it is."""
    done = failed = 0
    async for batch in run.batches():
        done, failed = done + len(batch), failed + sum(not result.ok for result in batch)
        so_far = ProgressLine(progress=BulkProgress(done=done, failed=failed, total=run.total))
        yield "".join(f"{line.model_dump_json()}\n" for line in (*batch, so_far))
    if run.has_ended:
        yield f"{EndLine(end=BulkProgress(done=done, failed=failed, total=run.total)).model_dump_json()}\n"
