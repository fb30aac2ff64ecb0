"""`/v1/reports`: the same rows as JSON and as CSV (R3, R4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Generic, Literal, TypeVar
from zoneinfo import ZoneInfo

from fastapi import Depends, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field, StringConstraints

from contracts.people import Channel
from contracts.schedules import Zone
from contracts.settings import AccountSettings
from reporting.assignments import AgentRow, AssignmentRow, AssignmentTotals
from reporting.csv_text import csv_lines
from reporting.report_filter import ReportFilter
from reporting.report_range import IntervalName, ReportRange, report_range
from reporting.reports import Reports
from reporting.response_times import ResponseRow, ResponseTotals
from reporting.volume import VolumeRow, VolumeTotals
from service_kit.auth import Permission, Principal, requires
from service_kit.clock import Clock
from service_kit.http.audited import Act, audited
from service_kit.http.routes import Routes
from service_kit.settings_copies import SettingsCopies

Totals = TypeVar("Totals", bound=BaseModel)
Row = TypeVar("Row", bound=BaseModel)

Reader = Annotated[Principal, Depends(requires(Permission.REPORTS_READ))]
Export = Annotated[Act, audited("report.exported")]
Id = Annotated[str | None, Query(min_length=1, max_length=100)]
End = Annotated[str, StringConstraints(min_length=8, max_length=40)]


class RangeShown(BaseModel):
    """The range a report covers: what was asked for, widened to quarters of an hour."""

    from_: Annotated[datetime, Field(serialization_alias="from")]
    to: datetime
    zone: str
    interval: IntervalName


class Report(BaseModel, Generic[Totals, Row]):
    """A report: `items` are its intervals in order, also the empty ones."""

    range: RangeShown
    totals: Totals
    items: list[Row]


class AssignmentsReport(Report[AssignmentTotals, AssignmentRow]):
    """The report on assignments, with the same counts by agent."""

    agents: list[AgentRow]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for a report, understood."""

    account_id: str
    range: ReportRange
    wanted: ReportFilter


def reports_router(reports: Reports, copies: SettingsCopies, clock: Clock) -> Routes:
    """The routes."""
    router = Routes("/v1/reports", tags=["reports"])

    async def asked(
        principal: Reader,
        from_: Annotated[
            End | None, Query(alias="from", description="A date or moment; a date is a local day.")
        ] = None,
        to: Annotated[End | None, Query(description="A date, counted in, or a moment, up to which is counted.")] = None,
        zone: Annotated[Zone | None, Query(max_length=64, description="Default: the account's.")] = None,
        interval: IntervalName = "day",
        channel: Channel | None = None,
        team: Id = None,
        agent: Id = None,
        tag: Id = None,
    ) -> Asked:
        name = zone or (await copies.get(principal.account_id, "account", AccountSettings)).zone
        covered = report_range(from_, to, ZoneInfo(name), interval, clock.now())
        return Asked(principal.account_id, covered, ReportFilter(channel, team, agent, tag))

    @router.get("/volume")
    async def volume(request: Annotated[Asked, Depends(asked)]) -> Report[VolumeTotals, VolumeRow]:
        """Tickets created, reopened and closed, and messages in and out, by interval."""
        counted = await reports.volume(request.account_id, request.range, request.wanted)
        return Report(range=_shown(request.range), totals=counted.totals(), items=counted.rows())

    @router.get("/volume.csv", response_class=StreamingResponse)
    async def volume_csv(request: Annotated[Asked, Depends(asked)], act: Export) -> StreamingResponse:
        """The items of the report on volume."""
        act.target_id = "volume"
        counted = await reports.volume(request.account_id, request.range, request.wanted)
        return _csv("volume", VolumeRow, counted.rows())

    @router.get("/first-response")
    async def first_response(request: Annotated[Asked, Depends(asked)]) -> Report[ResponseTotals, ResponseRow]:
        """How long customers waited for a person's first answer, by the interval it was given in."""
        times = await reports.response_times(request.account_id, request.range, request.wanted)
        return Report(range=_shown(request.range), totals=times.totals(), items=times.rows())

    @router.get("/first-response.csv", response_class=StreamingResponse)
    async def first_response_csv(request: Annotated[Asked, Depends(asked)], act: Export) -> StreamingResponse:
        """The items of the report on first response."""
        act.target_id = "first-response"
        times = await reports.response_times(request.account_id, request.range, request.wanted)
        return _csv("first-response", ResponseRow, times.rows())

    @router.get("/assignments")
    async def assignments(request: Annotated[Asked, Depends(asked)]) -> AssignmentsReport:
        """Tickets given to agents, automatically and by hand, and taken back, by interval and by agent."""
        counted = await reports.assignments(request.account_id, request.range, request.wanted)
        return AssignmentsReport(
            range=_shown(request.range), totals=counted.totals(), items=counted.rows(), agents=counted.agents()
        )

    @router.get("/assignments.csv", response_class=StreamingResponse)
    async def assignments_csv(
        request: Annotated[Asked, Depends(asked)], act: Export, by: Literal["interval", "agent"] = "interval"
    ) -> StreamingResponse:
        """The items of the report on assignments, or its agents."""
        act.target_id = "assignments"
        counted = await reports.assignments(request.account_id, request.range, request.wanted)
        if by == "agent":
            return _csv("assignments", AgentRow, counted.agents())
        return _csv("assignments", AssignmentRow, counted.rows())

    return router


def _shown(covered: ReportRange) -> RangeShown:
    return RangeShown(
        from_=covered.start.astimezone(covered.zone),
        to=covered.end.astimezone(covered.zone),
        zone=covered.zone.key,
        interval=covered.interval,
    )


def _csv(name: str, shape: type[BaseModel], rows: Sequence[BaseModel]) -> StreamingResponse:
    return StreamingResponse(
        csv_lines(shape, rows),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )
