"""What each operation of webchat-gateway may refuse besides what every service may, for its OpenAPI document."""

from service_kit.http.openapi_problems import OwnProblems

PROBLEMS: OwnProblems = {
    "GET /v1/settings/chat": ("404 not_found",),
    "PATCH /v1/settings/chat": ("404 not_found", "422 settings_too_large"),
}
