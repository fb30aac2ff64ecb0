"""The archive: every event that reports could ever need, kept for ever and without personal data. Pure; no I/O."""

from typing import Any

from contracts.contacts import ContactChanged
from contracts.deliveries import DeliveryUpdated
from contracts.envelope import Event, UtcDatetime
from contracts.tickets import TicketDeliveryUpdated, TicketEvent
from service_kit.docstore import CollectionSpec, Document, Index

_PERSONAL = {"name", "emails", "phones", "external_ids", "visitor_ids", "sms_consent", "custom"}
"""Of contacts."""

_SAID_BY_OTHERS = {"reason", "provider_id"}
"""Of deliveries: what a mail server says may repeat an address. No other archived event names people."""


class ArchivedEvent(Document):
    """One event; the id is the account's and the event's, so that keeping it twice keeps it once."""

    account_id: str
    type: str
    key: str
    time: UtcDatetime
    ticket_id: str | None = None
    seq: int | None = None
    body: dict[str, Any]


ARCHIVE = CollectionSpec(
    name="archive",
    model=ArchivedEvent,
    indexes=(Index(("account_id", "time")), Index(("ticket_id", "seq"))),
)


def archived(event: Event) -> ArchivedEvent:
    """The event as it is kept."""
    return ArchivedEvent(
        id=f"{event.account_id}/{event.id}",
        account_id=event.account_id,
        type=event.type,
        key=event.key,
        time=event.time,
        ticket_id=event.ticket_id if isinstance(event, TicketEvent) else None,
        seq=event.seq if isinstance(event, TicketEvent) else None,
        body=event.model_dump(mode="json", exclude=_left_out(event)),
    )


def _left_out(event: Event) -> set[str] | None:
    if isinstance(event, ContactChanged):
        return _PERSONAL
    return _SAID_BY_OTHERS if isinstance(event, DeliveryUpdated | TicketDeliveryUpdated) else None
