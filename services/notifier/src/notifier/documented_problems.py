"""What each operation of the notifier may refuse besides what every service may, for its OpenAPI document."""

from service_kit.http.openapi_problems import OwnProblems

PROBLEMS: OwnProblems = {
    "POST /v1/webhooks": ("409 too_many_webhooks",),
    "POST /v1/email/forwarding-checks": ("409 forwarding_check_running", "422 not_a_support_address"),
    "GET /s/{code}": ("429 rate_limited",),
    "GET /v1/settings/notifications": ("404 not_found",),
    "PATCH /v1/settings/notifications": ("404 not_found", "422 settings_too_large"),
}
