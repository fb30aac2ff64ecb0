"""Routes that stand for their services."""

EVERY_SERVICE = (
    "/v1/tickets",
    "/v1/agents/me",
    "/v1/teams",
    "/v1/settings/email",
    "/v1/settings/sms",
    "/v1/settings/chat",
    "/v1/deliveries",
    "/v1/reports/volume",
)
"""One of each service, to see that all of them know a key, or no longer know it."""
