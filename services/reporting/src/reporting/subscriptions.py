"""What reporting listens to; settings are read by `SettingsCopies`."""

from contracts.topic import ServiceName
from contracts.topics import ASSIGNMENT_DECISIONS, CONTACTS, DELIVERY_EVENTS, PRESENCE_EVENTS, TICKET_EVENTS
from reporting.workflow import Intake
from service_kit.bus import Bus, Subscription

GROUP: ServiceName = "reporting"

_REST_SECONDS = 0.2
"""Reports are read in minutes, not milliseconds; together events cost a tenth."""


def subscribe(bus: Bus, intake: Intake) -> None:
    """Declare the readers."""
    bus.subscribe(Subscription(TICKET_EVENTS, group=GROUP, handle=intake.count, rest_seconds=_REST_SECONDS))
    for topic in (ASSIGNMENT_DECISIONS, PRESENCE_EVENTS, DELIVERY_EVENTS, CONTACTS):
        bus.subscribe(Subscription(topic, group=GROUP, handle=intake.archive, rest_seconds=_REST_SECONDS))
