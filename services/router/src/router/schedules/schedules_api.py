"""`/v1/schedules`: office hours (H1)."""

from datetime import datetime
from functools import partial
from typing import Annotated

from fastapi import Depends, status
from pydantic import BaseModel, ConfigDict, Field

from contracts.schedules import Interval, Schedule, ScheduleException, Weekday, Zone
from router.schedules.schedule_store import ScheduleStore
from router.schedules.schedule_workflow import ScheduleWorkflow
from router.schedules.schedules import copied_day, place_of
from service_kit.auth import Permission, Principal, requires
from service_kit.http.audited import Act, audited
from service_kit.http.pages import Cursor, Limit, PageOf
from service_kit.http.problems import not_found
from service_kit.http.routes import Routes
from service_kit.http.whole_lists import WHOLE_LIMIT, WholeLimit, page_of

Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]
Intervals = Annotated[tuple[Interval, ...], Field(max_length=24)]
Weekly = Annotated[dict[Weekday, Intervals], Field(description="No weekday at all: always closed.")]
Exceptions = Annotated[tuple[ScheduleException, ...], Field(max_length=2_000)]

Reader = Annotated[Principal, Depends(requires(Permission.SETTINGS_READ))]
Manager = Annotated[Principal, Depends(requires(Permission.SETTINGS_MANAGE))]


class NewSchedule(BaseModel):
    """A schedule to add."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    zone: Zone
    weekly: Weekly = Field(default_factory=dict)
    exceptions: Exceptions = ()


class ScheduleChange(BaseModel):
    """What to change; what is left out stays, what is given is given whole."""

    model_config = ConfigDict(extra="forbid")

    name: Name = ""
    zone: Zone = "UTC"
    weekly: Weekly = Field(default_factory=dict)
    exceptions: Exceptions = ()


class DayCopy(BaseModel):
    """Which day's hours other days are to have."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    source: Weekday = Field(alias="from")
    to: Annotated[tuple[Weekday, ...], Field(min_length=1, max_length=7)]


class KeptVersion(BaseModel):
    """One version of a schedule, and since when it was in force."""

    version: int
    in_force_since: datetime
    schedule: Schedule


def schedules_router(workflow: ScheduleWorkflow, store: ScheduleStore) -> Routes:
    """The routes."""
    router = Routes("/v1/schedules", tags=["assignment"])

    @router.get("")
    async def list_schedules(
        principal: Reader, limit: WholeLimit = WHOLE_LIMIT, cursor: Cursor = None
    ) -> PageOf[Schedule]:
        """Schedules by name; an account has 100 at most."""
        schedules = await workflow.of_account(principal.account_id)
        page = page_of(schedules, place_of, order="schedules", limit=limit, cursor=cursor)
        return PageOf(items=list(page.items), next_cursor=page.next_cursor)

    @router.post("", status_code=status.HTTP_201_CREATED)
    async def create_schedule(
        given: NewSchedule, principal: Manager, act: Annotated[Act, audited("schedule.created")]
    ) -> Schedule:
        """Add a schedule; returns when every service is being told."""
        schedule = await workflow.create(principal.account_id, given.model_dump())
        act.target_id = schedule.id
        return schedule

    @router.get("/{schedule_id}")
    async def read_schedule(schedule_id: str, principal: Reader) -> Schedule:
        """One schedule."""
        return (await workflow.find(principal.account_id, schedule_id)).schedule

    @router.get("/{schedule_id}/versions")
    async def list_versions(
        schedule_id: str, principal: Reader, limit: Limit = 50, cursor: Cursor = None
    ) -> PageOf[KeptVersion]:
        """Every version there was, newest first; also of a schedule that was removed."""
        page = await store.versions(principal.account_id, schedule_id, limit=limit, cursor=cursor)
        if not page.items and cursor is None:
            raise not_found("schedule")
        kept = [
            KeptVersion(version=v.version, in_force_since=v.in_force_since, schedule=v.schedule) for v in page.items
        ]
        return PageOf(items=kept, next_cursor=page.next_cursor)

    @router.patch("/{schedule_id}")
    async def change_schedule(
        schedule_id: str,
        given: ScheduleChange,
        principal: Manager,
        _act: Annotated[Act, audited("schedule.changed")],
    ) -> Schedule:
        """Change a schedule; the outcome is a new version, the old one is kept."""
        return await workflow.change(principal.account_id, schedule_id, given.model_dump(exclude_unset=True))

    @router.post("/{schedule_id}/copy")
    async def copy_day(
        schedule_id: str, given: DayCopy, principal: Manager, _act: Annotated[Act, audited("schedule.changed")]
    ) -> Schedule:
        """Give other days the hours of one; the outcome is a new version."""
        return await workflow.revise(
            principal.account_id, schedule_id, partial(copied_day, source=given.source, to=given.to)
        )

    @router.delete("/{schedule_id}", status_code=status.HTTP_204_NO_CONTENT)
    async def remove_schedule(
        schedule_id: str, principal: Manager, _act: Annotated[Act, audited("schedule.deleted")]
    ) -> None:
        """Remove a schedule; its versions are kept."""
        await workflow.remove(principal.account_id, schedule_id)

    return router
