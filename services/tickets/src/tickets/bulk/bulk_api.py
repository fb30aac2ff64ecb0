"""`POST /v1/tickets/bulk`: one action on many tickets, answered at once or as it goes (L8)."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from fastapi import Depends, Header
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, model_validator

from contracts.envelope import UtcDatetime
from contracts.people import Actor
from contracts.tickets import Priority
from service_kit.auth import Permission, Principal, requires
from service_kit.http.idempotency import IdempotencyKey
from service_kit.http.pages import Cursor, Limit, PageOf
from service_kit.http.routes import Routes
from service_kit.problem import Problem
from tickets.bulk.bulk import MAX_BULK_TICKETS, BulkAction, BulkChange, BulkResult
from tickets.bulk.bulk_run import BulkRun, BulkState
from tickets.bulk.bulk_runs import BulkRuns, Progress
from tickets.life.snooze_presets import SnoozePreset
from tickets.life.ticket_edits import MAX_TAGS, Assignee
from tickets.lists.saved_views import ViewFilter
from tickets.lists.ticket_lists import TicketLists
from tickets.ticket.ticket_problems import bulk_given_up

NDJSON = "application/x-ndjson"

Reader = Annotated[Principal, Depends(requires(Permission.TICKETS_READ))]
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
    """What became of each ticket, in the order given; `run_id` is where it is kept for seven days."""

    run_id: str
    results: list[BulkResult]


class BulkRunView(BaseModel):
    """One action on many tickets: how far it is, and since `ended_at` how it ended."""

    id: str
    action: BulkAction
    state: BulkState
    by: Actor
    total: int
    done: int
    failed: int
    created_at: UtcDatetime
    ended_at: UtcDatetime | None

    @classmethod
    def of(cls, run: BulkRun) -> "BulkRunView":
        """The public side of the document."""
        counts = run.model_dump(include={"id", "state", "total", "done", "failed", "created_at", "ended_at"})
        return cls(action=run.change.action, by=run.principal.actor, **counts)


class BulkProgress(BaseModel):
    """How far a streamed action is; said after each batch of results."""

    done: int
    failed: int
    total: int


class RunLine(BaseModel):
    """The first line of a stream: under which id its results are kept."""

    run: dict[Literal["id"], str]


class ProgressLine(BaseModel):
    """A line of the stream that says how far it is."""

    progress: BulkProgress


class EndLine(BaseModel):
    """The last line of a stream. One that stops without it was cut off: the action goes on, and so does its run."""

    end: BulkProgress


_STREAMED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "What became of each ticket; as a stream: a line for each, `progress` now and then, `end` last.",
        "content": {
            NDJSON: {
                "schema": {"type": "string"},
                "example": '{"run":{"id":"run_1"}}\n{"id":"tic_1","ok":true,"code":null}\n'
                '{"progress":{"done":1,"failed":0,"total":1}}\n{"end":{"done":1,"failed":0,"total":1}}\n',
            }
        },
    }
}


def bulk_router(runs: BulkRuns, lists: TicketLists) -> Routes:
    """The routes. They are to be included before those that read `/v1/tickets/{id}`."""
    router = Routes("/v1/tickets", tags=["tickets"])

    @router.post("/bulk", response_model=BulkAnswer, responses=_STREAMED)
    async def change_many(
        principal: Writer, request: BulkRequest, request_id: IdempotencyKey, accept: Accept = None
    ) -> BulkAnswer | StreamingResponse:
        """Do one thing to many tickets; each succeeds or fails on its own (L8).

        Once begun it goes on to its end, whoever hangs up or dies; repeating it changes nothing more, and with the
        same Idempotency-Key it is the same run.
        """
        run = await runs.earlier(principal, request_id)
        if run is None:
            ids = request.ids or []
            if request.filter is not None:
                ids = await lists.ids(principal, request.filter, at_most=MAX_BULK_TICKETS)
            run = await runs.begin(principal, request.change(), ids, request_id=request_id)
        if NDJSON in (accept or ""):
            lines = _lines(run.id, runs.follow(run))
            return StreamingResponse(lines, media_type=NDJSON, headers={"Cache-Control": "no-store"})
        results = list[BulkResult]()
        async for latest, batch in runs.follow(run):
            results += batch
            run = latest
        if run.state == "failed":
            raise bulk_given_up(run.id)
        if not run.has_ended:
            raise Problem(503, "unavailable", f"The action goes on; see /v1/tickets/bulk/{run.id}.", run_id=run.id)
        return BulkAnswer(run_id=run.id, results=results)

    @router.get("/bulk")
    async def list_bulk_runs(principal: Reader, limit: Limit = 50, cursor: Cursor = None) -> PageOf[BulkRunView]:
        """Bulk actions of the last seven days, the newest first."""
        page = await runs.page(principal.account_id, limit=limit, cursor=cursor)
        return PageOf(items=[BulkRunView.of(run) for run in page.items], next_cursor=page.next_cursor)

    @router.get("/bulk/{run_id}")
    async def show_bulk_run(principal: Reader, run_id: str) -> BulkRunView:
        """How far a bulk action is."""
        return BulkRunView.of(await runs.get(principal.account_id, run_id))

    @router.get("/bulk/{run_id}/results")
    async def list_bulk_results(
        principal: Reader, run_id: str, limit: Limit = 200, cursor: Cursor = None
    ) -> PageOf[BulkResult]:
        """What became of each ticket so far, in the order given."""
        run = await runs.get(principal.account_id, run_id)
        results, next_cursor = await runs.results(run, limit=limit, cursor=cursor)
        return PageOf(items=list(results), next_cursor=next_cursor)

    return router


async def _lines(run_id: str, followed: AsyncIterator[Progress]) -> AsyncIterator[str]:
    """The stream: which run it is, the results of each batch, and how far that is."""
    yield f"{RunLine(run={'id': run_id}).model_dump_json()}\n"
    done = failed = 0
    async for run, batch in followed:
        done, failed = done + len(batch), failed + sum(not result.ok for result in batch)
        so_far = BulkProgress(done=done, failed=failed, total=run.total)
        if batch:
            yield "".join(f"{line.model_dump_json()}\n" for line in (*batch, ProgressLine(progress=so_far)))
        elif run.state == "done":
            yield f"{EndLine(end=so_far).model_dump_json()}\n"
