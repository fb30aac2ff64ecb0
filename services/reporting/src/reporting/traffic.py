"""Traffic: how many messages a cycle exchanged with the customer in each quarter of an hour of a day. Pure; no I/O."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict

from contracts.envelope import UtcDatetime
from contracts.people import Channel
from contracts.tickets import TicketEvent, TicketMessageAdded
from reporting.cycles import cycle_id
from service_kit.docstore import CollectionSpec, Document, Index

QUARTER = timedelta(minutes=15)
"""Days and hours begin on a quarter of an hour of UTC in every time zone in use."""


class QuarterCount(BaseModel):
    """Messages of one quarter of an hour; notes and automatic texts of ours are in neither."""

    model_config = ConfigDict(frozen=True)

    inbound: int = 0
    outbound: int = 0


class Traffic(Document):
    """Messages of one cycle on one UTC day; the id is cycle and day. `quarters` has at most 96 entries, by number.

    `last_seq` is the last event counted here: what comes again with a lower number has been counted already.
    """

    account_id: str
    cycle_id: str
    channel: Channel
    day: UtcDatetime
    quarters: dict[int, QuarterCount]
    last_seq: int

    def moments(self) -> Iterable[tuple[datetime, QuarterCount]]:
        """The quarters that had any, with their beginning."""
        return ((self.day + number * QUARTER, count) for number, count in self.quarters.items())


TRAFFIC = CollectionSpec(name="traffic", model=Traffic, indexes=(Index(("account_id", "day")),))


def is_traffic(event: TicketEvent) -> bool:
    """Whether a customer wrote or was answered."""
    return isinstance(event, TicketMessageAdded) and event.kind in {"inbound", "outbound"}


def traffic_id(event: TicketEvent) -> str:
    """Which document counts an event."""
    return f"{cycle_id(event)}/{event.time.date().isoformat()}"


def counted(traffic: Traffic | None, events: Iterable[TicketEvent]) -> Traffic | None:
    """The traffic after more of its events, in order; the very same if it has counted them all already."""
    for event in events:
        if traffic is not None and event.seq <= traffic.last_seq:
            continue
        traffic = _counted_one(traffic or _begun(event), event)
    return traffic


def _begun(event: TicketEvent) -> Traffic:
    return Traffic(
        id=traffic_id(event),
        account_id=event.account_id,
        cycle_id=cycle_id(event),
        channel=event.ticket.channel,
        day=event.time.replace(hour=0, minute=0, second=0, microsecond=0),
        quarters={},
        last_seq=0,
    )


def _counted_one(traffic: Traffic, event: TicketEvent) -> Traffic:
    number = (event.time - traffic.day) // QUARTER
    before = traffic.quarters.get(number, QuarterCount())
    is_inbound = isinstance(event, TicketMessageAdded) and event.kind == "inbound"
    after = QuarterCount(inbound=before.inbound + is_inbound, outbound=before.outbound + (not is_inbound))
    quarters: Mapping[int, Any] = {**traffic.quarters, number: after}
    return traffic.model_copy(update={"quarters": quarters, "last_seq": event.seq})
