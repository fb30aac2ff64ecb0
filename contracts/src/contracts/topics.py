"""Every topic, and which topic an event belongs to. Each event type lives on exactly one topic."""

from contracts.audit import AuditRecorded
from contracts.campaigns import CampaignMessageSent
from contracts.contacts import ContactChanged, ContactEventRecorded, ContactUpdated
from contracts.deliveries import DeliveryUpdated
from contracts.envelope import Event
from contracts.erasure import ContactErased, ContactErasureObeyed
from contracts.inbound import ContactProfileGiven, InboundMessageReceived
from contracts.intake import IntakeVerdictRecorded
from contracts.mail import MailAccepted, MailBounced, MailCheckSeen
from contracts.outbound import OutboundMessageRequested
from contracts.presence import AgentAvailabilityChanged
from contracts.routing import AssignmentDecided, RoutingRequested
from contracts.settings import SettingsChanged
from contracts.tickets import (
    TicketAgentMentioned,
    TicketAssigned,
    TicketAssignmentRefused,
    TicketClosed,
    TicketCreated,
    TicketCustomFieldsChanged,
    TicketDeliveryUpdated,
    TicketMerged,
    TicketMessageAdded,
    TicketMessageCompleted,
    TicketMessageRedacted,
    TicketPriorityChanged,
    TicketReopened,
    TicketSnoozed,
    TicketSplit,
    TicketSubjectChanged,
    TicketTagsChanged,
    TicketUnassigned,
    TicketUnsnoozed,
    TicketVisibilityChanged,
)
from contracts.topic import Topic

INBOUND_MAIL_RAW = Topic(
    name="inbound-mail-raw-v1",
    summary="Mail as it was accepted, before anybody parsed it.",
    owner="ingest-email",
    producers=("ingest-email",),
    consumers=("ingest-email",),
    key="account + envelope sender",
    events=(MailAccepted,),
)
MAIL_BOUNCES = Topic(
    name="mail-bounces-v1",
    summary="What comes back of mails of ours: reports that they could not be delivered, and checks of forwarding.",
    owner="ingest-email",
    producers=("ingest-email",),
    consumers=("notifier",),
    key="account + recipient or check",
    events=(MailBounced, MailCheckSeen),
)
INBOUND_MESSAGES = Topic(
    name="inbound-messages-v1",
    summary="Customers' messages, normalised; personal data, short retention.",
    owner="tickets",
    producers=("ingest-email", "ingest-sms", "webchat-gateway"),
    consumers=("tickets",),
    key="account + contact address",
    events=(InboundMessageReceived, ContactProfileGiven),
)
INTAKE_VERDICTS = Topic(
    name="intake-verdicts-v1",
    summary="Deliveries that a gateway ended itself, for the intake ledger.",
    owner="tickets",
    producers=("ingest-email", "ingest-sms", "webchat-gateway"),
    consumers=("tickets",),
    key="account + provider message",
    events=(IntakeVerdictRecorded,),
)
OUTBOUND_MESSAGES = Topic(
    name="outbound-messages-v1",
    summary="Messages to send to customers.",
    owner="notifier",
    producers=("tickets", "ingest-sms", "webchat-gateway"),
    consumers=("notifier", "webchat-gateway"),
    key="account + contact address",
    events=(OutboundMessageRequested,),
)
TICKET_EVENTS = Topic(
    name="ticket-events-v1",
    summary="Everything that happens to tickets, numbered per ticket, without bodies.",
    owner="tickets",
    producers=("tickets",),
    consumers=("router", "notifier", "reporting", "webchat-gateway"),
    key="ticket",
    events=(
        TicketCreated,
        TicketMessageAdded,
        TicketAssigned,
        TicketUnassigned,
        TicketAssignmentRefused,
        TicketClosed,
        TicketReopened,
        TicketSnoozed,
        TicketUnsnoozed,
        TicketTagsChanged,
        TicketPriorityChanged,
        TicketCustomFieldsChanged,
        TicketMerged,
        TicketSplit,
        TicketVisibilityChanged,
        TicketMessageRedacted,
        TicketMessageCompleted,
        TicketSubjectChanged,
        TicketAgentMentioned,
        TicketDeliveryUpdated,
    ),
    visibility="public",
    retention_days=30,
)
ROUTING_REQUESTS = Topic(
    name="routing-requests-v1",
    summary="What may let a ticket be assigned, gathered per account.",
    owner="router",
    producers=("router",),
    consumers=("router",),
    key="account",
    events=(RoutingRequested,),
)
ASSIGNMENT_DECISIONS = Topic(
    name="assignment-decisions-v1",
    summary="Who should answer a ticket, and why.",
    owner="router",
    producers=("router",),
    consumers=("tickets", "reporting"),
    key="ticket",
    events=(AssignmentDecided,),
)
PRESENCE_EVENTS = Topic(
    name="presence-events-v1",
    summary="Agents going online and offline.",
    owner="router",
    producers=("router",),
    consumers=("tickets", "reporting"),
    key="agent",
    events=(AgentAvailabilityChanged,),
    visibility="public",
    retention_days=30,
)
DELIVERY_EVENTS = Topic(
    name="delivery-events-v1",
    summary="What became of messages that were sent.",
    owner="notifier",
    producers=("notifier", "ingest-sms", "webchat-gateway"),
    consumers=("tickets", "reporting"),
    key="ticket, or the message where there is none",
    events=(DeliveryUpdated,),
    visibility="public",
    retention_days=30,
)
CONTACT_EVENTS = Topic(
    name="contact-events-v1",
    summary="Facts about customers from outside systems and gateways.",
    owner="tickets",
    producers=("outsiders", "tickets", "ingest-sms"),
    consumers=("tickets",),
    key="account",
    events=(ContactUpdated, ContactEventRecorded),
    visibility="public",
)
CONTACTS = Topic(
    name="contacts-v1",
    summary="Whole contacts, the newest of each.",
    owner="tickets",
    producers=("tickets",),
    consumers=("router", "ingest-sms", "notifier", "reporting"),
    key="contact",
    events=(ContactChanged,),
    compacted=True,
)
CONTACT_ERASURES = Topic(
    name="contact-erasures-v1",
    summary="Customers to forget, and which owner of data has done so.",
    owner="tickets",
    producers=("tickets", "router", "ingest-email", "ingest-sms", "webchat-gateway", "notifier", "reporting"),
    consumers=("tickets", "router", "ingest-email", "ingest-sms", "webchat-gateway", "notifier", "reporting"),
    key="contact",
    events=(ContactErased, ContactErasureObeyed),
)
CAMPAIGN_MESSAGES = Topic(
    name="campaign-messages-v1",
    summary="Marketing SMS that outside systems sent, for attribution.",
    owner="ingest-sms",
    producers=("outsiders", "tickets"),
    consumers=("ingest-sms",),
    key="account + phone",
    events=(CampaignMessageSent,),
    visibility="public",
)
SETTINGS_EVENTS = Topic(
    name="settings-events-v1",
    summary="Settings of each area, whole, the newest of each.",
    owner="tickets",
    producers=("tickets", "router", "ingest-email", "ingest-sms", "webchat-gateway", "notifier"),
    consumers=("tickets", "router", "ingest-email", "ingest-sms", "webchat-gateway", "notifier", "reporting"),
    key="account + area",
    events=(SettingsChanged,),
    compacted=True,
)
AUDIT_EVENTS = Topic(
    name="audit-events-v1",
    summary="Settings, security and data actions, for the audit log that tickets keeps.",
    owner="tickets",
    producers=("tickets", "router", "ingest-email", "ingest-sms", "webchat-gateway", "notifier", "reporting"),
    consumers=("tickets",),
    key="account",
    events=(AuditRecorded,),
    retention_days=30,
)

TOPICS: tuple[Topic, ...] = (
    INBOUND_MAIL_RAW,
    MAIL_BOUNCES,
    INBOUND_MESSAGES,
    INTAKE_VERDICTS,
    OUTBOUND_MESSAGES,
    TICKET_EVENTS,
    ROUTING_REQUESTS,
    ASSIGNMENT_DECISIONS,
    PRESENCE_EVENTS,
    DELIVERY_EVENTS,
    CONTACT_EVENTS,
    CONTACTS,
    CONTACT_ERASURES,
    CAMPAIGN_MESSAGES,
    SETTINGS_EVENTS,
    AUDIT_EVENTS,
)

_TOPIC_OF_TYPE: dict[type[Event], Topic] = {event: topic for topic in TOPICS for event in topic.events}


def topic_of(event: type[Event]) -> Topic:
    """The one topic that holds events of this class."""
    return _TOPIC_OF_TYPE[event]
