"""No event outgrows the bus: the largest of every type, by the limits of whoever sends it, makes a record.

An event that no bus takes would hold all that its document says after it, for ever.
"""

from collections.abc import Callable, Mapping
from typing import get_args, get_origin

import pytest

from contracts.audit import AuditRecorded
from contracts.contacts import ContactChanged, ContactEventRecorded, ContactUpdated
from contracts.envelope import Event
from contracts.erasure import ContactErased
from contracts.inbound import InboundMessageReceived
from contracts.mail import MailAccepted
from contracts.outbound import OutboundMessageRequested
from contracts.routing import AssignmentDecided, RoutingRequested
from contracts.settings import SettingsChanged
from contracts.tickets import TicketCustomFieldsChanged, TicketEvent, TicketSplit, TicketTagsChanged
from contracts.topics import TOPICS
from largest_events.filling import FACTS, envelope, filled, of_ticket
from largest_events.messages import chat_received, follow_up, mail_accepted, mail_received, reply, sms_received
from largest_events.records import (
    audited,
    contact_act,
    contact_changed,
    contact_erased,
    contact_updated,
    decided,
    fields_changed,
    settings_changed,
    split,
    tags_changed,
)
from router.schedules.schedules import DIRECTORY_BYTES as SCHEDULES_BYTES
from router.teams.teams import DIRECTORY_BYTES as TEAMS_BYTES
from service_kit.bus.codec import EventCodec
from service_kit.outbox import MAX_EVENT_BYTES, OutboxEntry
from tickets.people.agents import DIRECTORY_BYTES as AGENTS_BYTES

CODEC = EventCodec(TOPICS, source="webchat-gateway")
Largest = Callable[[], Event]

LARGEST: Mapping[type[Event], tuple[Largest, ...]] = {
    MailAccepted: (mail_accepted,),
    InboundMessageReceived: (mail_received, sms_received, chat_received),
    OutboundMessageRequested: (reply, follow_up),
    TicketTagsChanged: (tags_changed,),
    TicketCustomFieldsChanged: (fields_changed,),
    TicketSplit: (split,),
    RoutingRequested: (lambda: filled(RoutingRequested, **envelope(ticket=FACTS)),),
    AssignmentDecided: (decided,),
    ContactUpdated: (contact_updated,),
    ContactEventRecorded: (contact_act,),
    ContactChanged: (contact_changed,),
    ContactErased: (contact_erased,),
    SettingsChanged: (settings_changed,),
    AuditRecorded: (audited,),
}
"""Types whose size somebody's lists or texts decide; every other one is made of single lines."""


def largest_of(kind: type[Event]) -> tuple[Largest, ...]:
    """How the largest events of a type come about."""
    if kind in LARGEST:
        return LARGEST[kind]
    if issubclass(kind, TicketEvent):
        return (lambda: of_ticket(kind),)
    return (lambda: filled(kind, **envelope()),)


@pytest.mark.parametrize("kind", [kind for topic in TOPICS for kind in topic.events], ids=lambda kind: kind.__name__)
def test_the_largest_event_of_every_type_makes_a_record(kind: type[Event]) -> None:
    """Whatever a stranger or an agent sends within its limits, the event of it leaves, from an outbox too (I8)."""
    for largest in largest_of(kind):
        event = largest()

        assert CODEC.encode(event).value
        assert OutboxEntry.of(event).event_id == event.id


def test_lists_of_texts_are_in_the_table() -> None:
    """A type that begins to hold a list, a map or a text without end must say how large it becomes."""
    lists = {kind for topic in TOPICS for kind in topic.events if _holds_a_list(kind)}

    assert lists <= LARGEST.keys()


def _holds_a_list(kind: type[Event]) -> bool:
    annotations = [field.annotation for name, field in kind.model_fields.items() if name != "ticket"]
    parts = [part for one in annotations for part in (one, *get_args(one))]
    return any(get_origin(part) in {tuple, dict, list} for part in parts)


@pytest.mark.parametrize("limit", [SCHEDULES_BYTES, TEAMS_BYTES, AGENTS_BYTES])
def test_directories_leave_room_for_the_rest_of_a_record(limit: int) -> None:
    """What their owners refuse to exceed is well below what the bus takes."""
    assert limit < MAX_EVENT_BYTES - 100_000
