"""What tickets reads from the bus, and who takes it in."""

from collections.abc import Sequence

from contracts.contacts import ContactEventRecorded, ContactUpdated
from contracts.deliveries import DeliveryUpdated
from contracts.envelope import Event
from contracts.inbound import ContactProfileGiven, InboundMessageReceived
from contracts.intake import IntakeVerdictRecorded
from contracts.presence import AgentAvailabilityChanged
from contracts.routing import AssignmentDecided
from contracts.topic import ServiceName, Topic
from contracts.topics import (
    ASSIGNMENT_DECISIONS,
    CONTACT_EVENTS,
    DELIVERY_EVENTS,
    INBOUND_MESSAGES,
    INTAKE_VERDICTS,
    PRESENCE_EVENTS,
)
from service_kit.bus import Bus, Handler, Subscription
from tickets.contacts.contact_reports import ContactReports
from tickets.intake.intake import Intake
from tickets.ledger.intake_entry import IntakeEntry
from tickets.ledger.intake_ledger import IntakeLedger
from tickets.life.decisions import Decisions
from tickets.people.presence_store import PresenceStore
from tickets.writing.delivery_reports import DeliveryReports

GROUP: ServiceName = "tickets"

_MAX_CHANGES_OF_ONE_TICKET = 100
"""A ticket carries a limited number of unpublished events, and a whole batch may be about the same one."""

_MAX_MESSAGES = 400
"""Taken in together; a batch costs a fixed number of round trips. Those a full ticket cannot carry wait their turn."""

_REST_SECONDS = 0.1
"""What became of a message elsewhere is shown this much later at most, and taken in together under load."""


def subscribe(
    bus: Bus,
    *,
    intake: Intake,
    ledger: IntakeLedger,
    decisions: Decisions,
    deliveries: DeliveryReports,
    contacts: ContactReports,
    presence: PresenceStore,
) -> None:
    """Declare every reader."""

    async def note_verdicts(events: Sequence[Event]) -> None:
        await ledger.record([verdict_entry(event) for event in events if isinstance(event, IntakeVerdictRecorded)])

    async def note_presence(events: Sequence[Event]) -> None:
        await presence.record([event for event in events if isinstance(event, AgentAvailabilityChanged)])

    readers: tuple[tuple[Topic, Handler, tuple[type[Event], ...]], ...] = (
        (INBOUND_MESSAGES, intake.take_in, (InboundMessageReceived, ContactProfileGiven)),
        (INTAKE_VERDICTS, note_verdicts, (IntakeVerdictRecorded,)),
        (ASSIGNMENT_DECISIONS, decisions.settle, (AssignmentDecided,)),
        (DELIVERY_EVENTS, deliveries.take_in, (DeliveryUpdated,)),
        (CONTACT_EVENTS, contacts.take_in, (ContactUpdated, ContactEventRecorded)),
        (PRESENCE_EVENTS, note_presence, (AgentAvailabilityChanged,)),
    )
    for topic, handle, only in readers:
        most = _MAX_MESSAGES if topic is INBOUND_MESSAGES else _MAX_CHANGES_OF_ONE_TICKET
        rest = _REST_SECONDS if topic in (INTAKE_VERDICTS, DELIVERY_EVENTS) else 0.0
        bus.subscribe(Subscription(topic, GROUP, handle, only=only, max_records=most, rest_seconds=rest))


def verdict_entry(event: IntakeVerdictRecorded) -> IntakeEntry:
    """A delivery that a gateway ended itself."""
    return IntakeEntry(
        id=event.delivery_id,
        account_id=event.account_id,
        channel=event.channel,
        provider_message_id=event.provider_message_id,
        mailbox=event.mailbox,
        verdict=event.verdict,
        rule=event.rule,
        reason=event.reason,
        ticket_id=event.ticket_id,
        received_at=event.received_at,
    )
