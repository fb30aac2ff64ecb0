"""What each operation of ingest-sms may refuse besides what every service may, for its OpenAPI document."""

from service_kit.http.openapi_problems import OwnProblems

_WEBHOOK = ("403 bad_signature", "404 unknown_number", "422 malformed_webhook")

PROBLEMS: OwnProblems = {
    "POST /v1/sms/twilio/inbound": _WEBHOOK,
    "POST /v1/sms/twilio/status": _WEBHOOK,
    "GET /v1/settings/sms": ("404 not_found",),
    "PATCH /v1/settings/sms": ("404 not_found", "409 number_taken", "422 not_a_number", "422 settings_too_large"),
}
