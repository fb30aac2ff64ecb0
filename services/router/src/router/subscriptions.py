"""What the router listens to."""

from contracts.contacts import ContactChanged
from contracts.routing import RoutingRequested
from contracts.topic import ServiceName
from contracts.topics import CONTACTS, ROUTING_REQUESTS, TICKET_EVENTS
from router.assigning.assignment_workflow import AssignmentWorkflow
from router.contact_copies import ContactCopies
from router.queue.rekey import ROUTING_EVENTS, Rekey
from service_kit.bus import Bus, Subscription

GROUP: ServiceName = "router"


def subscribe(bus: Bus, rekey: Rekey, contacts: ContactCopies, workflow: AssignmentWorkflow) -> None:
    """Declare the readers; settings are read by `SettingsCopies`."""
    bus.subscribe(Subscription(TICKET_EVENTS, group=GROUP, handle=rekey.gather, only=ROUTING_EVENTS))
    bus.subscribe(Subscription(CONTACTS, group=GROUP, handle=contacts.follow, only=(ContactChanged,)))
    bus.subscribe(
        Subscription(ROUTING_REQUESTS, group=GROUP, handle=workflow.handle, only=(RoutingRequested,), max_records=100)
    )
