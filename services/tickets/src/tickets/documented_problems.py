"""What each operation of tickets may refuse besides what every service may, for its OpenAPI document."""

from service_kit.http.openapi_problems import OwnProblems
from tickets.people.people_problem_codes import PEOPLE_PROBLEMS

_TICKET = "/v1/tickets/{ticket_id}"
_CONTACT = "/v1/contacts/{contact_id}"

_CHANGED = ("412 stale", "409 ticket_merged")
_ASSIGNED = ("422 unknown_agent", "422 unknown_team")
_SNOOZED = ("409 ticket_closed", "422 snooze_in_past")
_TAGGED = ("422 too_many_tags",)
_SENT = (
    *_CHANGED,
    "409 conversation_closed",
    "409 no_sms_consent",
    "409 ticket_hidden",
    "413 too_large",
    "422 text_too_long",
)
_MACRO = (
    "403 agent_needed",
    "404 not_found",
    "422 macro_empty",
    "422 macro_failed",
    "422 missing_variables",
    "422 unknown_agent",
    *_SNOOZED,
    *_TAGGED,
)
_STREAMED = ("400 bad_last_event_id", "429 too_many_streams", "503 stopping", "503 streams_full")
_LISTED = ("403 agent_needed", "404 not_found", "422 invalid_request")

_TICKETS: OwnProblems = {
    "GET /v1/tickets": _LISTED,
    "GET /v1/tickets/counts": ("422 invalid_request",),
    "POST /v1/tickets/bulk": (
        "403 agent_needed",
        "404 not_found",
        "409 bulk_given_up",
        "422 too_many_tickets",
        "429 too_many_bulk_actions",
    ),
    f"PUT {_TICKET}/assignee": (*_CHANGED, *_ASSIGNED),
    f"PUT {_TICKET}/tags": (*_CHANGED, *_TAGGED),
    f"PUT {_TICKET}/priority": _CHANGED,
    f"PUT {_TICKET}/custom": (*_CHANGED, "422 invalid_custom_values"),
    f"POST {_TICKET}/close": _CHANGED[:1],
    f"POST {_TICKET}/reopen": (*_CHANGED, "409 reopen_forbidden"),
    f"POST {_TICKET}/snooze": (*_CHANGED, *_SNOOZED),
    f"POST {_TICKET}/read": ("403 agent_needed",),
    f"POST {_TICKET}/unread": ("403 agent_needed",),
    f"POST {_TICKET}/merge": (
        "412 stale",
        "409 already_merged",
        "409 contacts_differ",
        "409 target_closed",
        "409 target_merged",
        "409 too_many_merged",
        "422 merge_with_itself",
    ),
    f"POST {_TICKET}/split": (*_CHANGED, "422 nothing_left", "422 unknown_message"),
    f"POST {_TICKET}/messages": (*_SENT, *_MACRO),
    f"POST {_TICKET}/notes": (*_CHANGED, "422 too_many_mentions", "422 unknown_agent"),
    f"GET {_TICKET}/messages/{{message_id}}/images": (
        "422 forbidden_address",
        "502 image_unavailable",
        "502 not_an_image",
    ),
    f"POST {_TICKET}/macros/{{macro_id}}/preview": ("409 ticket_merged", *_MACRO),
    "GET /v1/tickets/stream": ("403 agent_needed", "404 not_found", *_STREAMED),
    f"GET {_TICKET}/stream": _STREAMED,
    f"PUT {_TICKET}/presence": ("403 session_needed", "409 limit_reached"),
    f"GET {_TICKET}/draft": ("403 agent_needed",),
    f"PUT {_TICKET}/draft": ("403 agent_needed", "409 limit_reached", "412 stale"),
    f"DELETE {_TICKET}/draft": ("403 agent_needed", "412 stale"),
    "GET /v1/agents/me/drafts": ("403 agent_needed",),
    "GET /v1/mentions": ("403 agent_needed",),
    "POST /v1/mentions/{mention_id}/read": ("403 agent_needed",),
    "POST /v1/mentions/{mention_id}/unread": ("403 agent_needed",),
    "POST /v1/views": ("403 agent_needed", "409 limit_reached"),
    "PATCH /v1/views/{view_id}": ("403 agent_needed",),
    "GET /v1/intake/counts": ("422 invalid_range",),
}

_CUSTOMERS: OwnProblems = {
    f"POST {_CONTACT}/merge": (
        "409 already_merged",
        "409 contact_blocked",
        "409 target_merged",
        "409 too_many_merged",
        "422 merge_with_itself",
    ),
    f"POST {_CONTACT}/unmerge": ("409 contact_blocked", "409 not_merged"),
    f"POST {_CONTACT}/block": ("422 invalid_value",),
    "POST /v1/blocks": ("404 not_found", "422 invalid_value"),
    "POST /v1/contact-event-filters": ("409 limit_reached",),
    "POST /v1/custom-fields": (
        "409 field_exists",
        "409 field_type_fixed",
        "409 limit_reached",
        "422 options_of_no_choice",
    ),
    "PATCH /v1/custom-fields/{field_id}": ("422 options_of_no_choice",),
    "DELETE /v1/custom-fields/{field_id}": ("409 limit_reached",),
    "POST /v1/events": ("415 unsupported_media_type", "422 invalid_events"),
    "POST /v1/macros": ("409 limit_reached", "422 unknown_variable"),
    "PATCH /v1/macros/{macro_id}": ("422 unknown_variable",),
}

PROBLEMS: OwnProblems = {**_TICKETS, **_CUSTOMERS, **PEOPLE_PROBLEMS}
