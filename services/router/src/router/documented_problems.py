"""What each operation of the router may refuse besides what every service may, for its OpenAPI document."""

from service_kit.http.openapi_problems import OwnProblems

_TEAM = ("409 limit_reached", "422 too_large", "422 unknown_agent")
_OVERFLOW = ("422 overflow_incomplete", "422 unknown_team", "422 overflow_cycle", "422 overflow_too_long")
_REVISED = ("409 conflict", "422 too_large")
_CALENDAR = (
    "422 calendar_unreadable",
    "422 calendar_too_long",
    "422 calendar_too_frequent",
    "422 calendar_too_fragmented",
    "422 calendar_too_complex",
)

PROBLEMS: OwnProblems = {
    "POST /v1/teams": (*_TEAM, *_OVERFLOW),
    "PATCH /v1/teams/{team_id}": ("409 conflict", "409 default_team", *_TEAM[1:], *_OVERFLOW),
    "DELETE /v1/teams/{team_id}": ("409 conflict", "409 default_team", "409 team_in_use"),
    "POST /v1/schedules": ("409 limit_reached", "422 too_large"),
    "PATCH /v1/schedules/{schedule_id}": _REVISED,
    "POST /v1/schedules/{schedule_id}/copy": _REVISED,
    "POST /v1/schedules/{schedule_id}/import": (*_REVISED, "415 unsupported_media_type", *_CALENDAR),
    "DELETE /v1/schedules/{schedule_id}": ("409 conflict", "409 schedule_in_use"),
    "PUT /v1/agents/me/availability": ("403 only_for_oneself",),
    "PUT /v1/agents/{agent_id}/availability": ("403 only_for_oneself",),
    "PATCH /v1/availability/{agent_id}": ("409 conflict",),
    "POST /v1/assignment/simulate": ("404 not_found",),
    "GET /v1/settings/assignment": ("404 not_found",),
    "PATCH /v1/settings/assignment": ("404 not_found", "422 settings_too_large", "422 unknown_schedule"),
}
