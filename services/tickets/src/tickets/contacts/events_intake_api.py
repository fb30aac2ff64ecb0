"""`POST /v1/events`: facts from outside systems, as CloudEvents JSON in structured mode."""

from typing import Annotated, Any

from fastapi import Body, Depends, Header, status
from pydantic import BaseModel, WithJsonSchema

from service_kit.auth import Permission, Principal, requires
from service_kit.bus import Bus
from service_kit.clock import Clock
from service_kit.http.routes import Routes
from tickets.contacts.events_intake import require_media_type, understand

_ENVELOPE = {
    "type": "object",
    "required": ["specversion", "id", "source", "type", "data"],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {"type": "string"},
        "source": {"type": "string"},
        "type": {
            "enum": [
                "support.contact.updated.v1",
                "support.contact.event_recorded.v1",
                "support.campaign.message_sent.v1",
            ]
        },
        "time": {"type": "string", "format": "date-time"},
        "data": {"type": "object"},
    },
}
CloudEvents = Annotated[
    Any, WithJsonSchema({"oneOf": [_ENVELOPE, {"type": "array", "items": _ENVELOPE, "maxItems": 1000}]})
]


class EventsAccepted(BaseModel):
    """The ids under which the events travel; the same event sent again has the same id."""

    accepted: int
    ids: list[str]


def events_intake_router(bus: Bus, clock: Clock) -> Routes:
    """The route."""
    router = Routes("/v1/events", tags=["events"])

    @router.post("", status_code=status.HTTP_202_ACCEPTED)
    async def take_events(
        principal: Annotated[Principal, Depends(requires(Permission.EVENTS_WRITE))],
        body: Annotated[CloudEvents, Body()],
        content_type: Annotated[str, Header(include_in_schema=False)] = "",
    ) -> EventsAccepted:
        """Take one event or a batch of up to 1,000; the answer comes when the bus has stored them all."""
        require_media_type(content_type)
        events = understand(body, principal.account_id, clock.now())
        await bus.publish(events)
        return EventsAccepted(accepted=len(events), ids=[event.id for event in events])

    return router
