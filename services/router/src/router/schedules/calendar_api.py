"""`/v1/schedules/{id}/import`: holidays from a calendar file (H1)."""

from typing import Annotated, Any

from fastapi import Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contracts.schedules import Schedule
from router.problems import calendar_refused, not_a_calendar
from router.schedules.calendar_import import CalendarImport
from service_kit.auth import Permission, Principal, requires
from service_kit.http.audited import Act, audited
from service_kit.http.json_limits import flaw_of
from service_kit.http.problems import Problem
from service_kit.http.routes import Routes

MAX_CHARACTERS = 1_048_576

_BODIES: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "text/calendar": {"schema": {"type": "string", "maxLength": MAX_CHARACTERS}},
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["ics"],
                    "additionalProperties": False,
                    "properties": {"ics": {"type": "string", "minLength": 1, "maxLength": MAX_CHARACTERS}},
                }
            },
        },
    }
}


Add = Annotated[bool, Query(description="Keep what was imported before, and close what either closes.")]


class _Wrapped(BaseModel):
    """A calendar as a field of JSON."""

    model_config = ConfigDict(extra="forbid", strict=True)

    ics: Annotated[str, Field(min_length=1, max_length=MAX_CHARACTERS)]


class CalendarImported(BaseModel):
    """The schedule as it is now."""

    schedule: Schedule
    dates: int = Field(description="How many dates are as a calendar says.")
    kept: int = Field(description="How many dates the calendar names that a person had set; they stay as they were.")


def calendar_router(calendars: CalendarImport) -> Routes:
    """The routes."""
    router = Routes("/v1/schedules", tags=["assignment"])

    @router.post("/{schedule_id}/import", openapi_extra=_BODIES)
    async def import_calendar(
        schedule_id: str,
        request: Request,
        principal: Annotated[Principal, Depends(requires(Permission.SETTINGS_MANAGE))],
        act: Annotated[Act, audited("schedule.changed")],
        add: Add = False,  # noqa: FBT002 - a query parameter is named by whoever gives it
    ) -> CalendarImported:
        """Close a schedule when the calendar's events are, from a month ago to three years ahead.

        All-day events close the day, others their time of it. The outcome is a new version.
        """
        imported = await calendars.into(principal.account_id, schedule_id, await _content(request), adds=add)
        act.details["imported_dates"] = imported.dates
        return CalendarImported(schedule=imported.schedule, dates=imported.dates, kept=imported.kept)

    return router


async def _content(request: Request) -> str:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in {"text/calendar", "application/json"}:
        raise not_a_calendar()
    body = await request.body()
    content = _unwrapped(body) if media_type == "application/json" else _text(body)
    if flaw_of(content) is not None:
        raise calendar_refused("calendar_unreadable")
    return content


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise calendar_refused("calendar_unreadable") from error


def _unwrapped(body: bytes) -> str:
    try:
        return _Wrapped.model_validate_json(body).ics
    except ValidationError as error:
        first = error.errors()[0]
        named = {"field": ".".join(map(str, first["loc"])) or "body", "message": first["msg"], "type": first["type"]}
        raise Problem(422, "invalid_request", 'The body is not {"ics": text}.', errors=[named]) from error
