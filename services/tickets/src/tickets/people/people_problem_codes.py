"""What operations on people and settings may refuse besides what every service may, for the OpenAPI document."""

from service_kit.http.openapi_problems import OwnProblems

_SETTINGS = ("404 not_found", "422 settings_too_large")

PEOPLE_PROBLEMS: OwnProblems = {
    "POST /v1/sessions": (
        "401 invalid_credentials",
        "401 totp_required",
        "401 totp_wrong",
        "429 rate_limited",
        "429 too_many_sign_ins",
    ),
    "GET /v1/sessions": ("403 session_needed",),
    "DELETE /v1/sessions": ("403 session_needed",),
    "DELETE /v1/sessions/current": ("403 session_needed",),
    "POST /v1/agents": ("403 role_too_high", "409 email_taken", "409 limit_reached", "422 too_large"),
    "GET /v1/agents/me": ("404 not_an_agent",),
    "PATCH /v1/agents/me": (
        "403 session_needed",
        "403 wrong_password",
        "404 not_an_agent",
        "409 email_taken",
        "422 too_large",
        "429 too_many_sign_ins",
    ),
    "PATCH /v1/agents/{agent_id}": (
        "403 own_credentials",
        "403 role_too_high",
        "409 email_taken",
        "409 last_owner",
        "409 limit_reached",
        "422 too_large",
    ),
    "DELETE /v1/agents/{agent_id}": ("403 role_too_high", "409 last_owner"),
    "DELETE /v1/agents/{agent_id}/sessions": ("403 role_too_high",),
    "POST /v1/agents/me/totp": ("403 session_needed", "409 totp_enabled"),
    "POST /v1/agents/me/totp/confirm": (
        "403 session_needed",
        "403 totp_wrong",
        "409 totp_not_begun",
        "429 too_many_sign_ins",
    ),
    "DELETE /v1/agents/me/totp": (
        "403 session_needed",
        "403 totp_wrong",
        "403 wrong_password",
        "409 totp_disabled",
        "429 too_many_sign_ins",
    ),
    "DELETE /v1/agents/{agent_id}/totp": ("403 own_credentials", "403 role_too_high"),
    "POST /v1/api-keys": ("403 role_too_high", "403 scope_too_wide", "404 not_found", "409 limit_reached"),
    "GET /v1/settings/account": ("404 not_found",),
    "PATCH /v1/settings/account": _SETTINGS,
    "GET /v1/settings/tickets": ("404 not_found",),
    "PATCH /v1/settings/tickets": _SETTINGS,
}
