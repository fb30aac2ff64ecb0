"""Each ticket by itself: its events and its thread have no gap, and it was assigned once, to somebody at work. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from faults.observation import Message, Observation, Ticket, TicketEvent

_ASSIGNED = "support.ticket.assigned.v1"
_BY_ROUTER = "auto_assignment"


def ticket_violations(seen: Observation) -> Iterator[str]:
    """What is not as a ticket must be."""
    streamed = defaultdict(list)
    for ticket_id, seq in seen.stream:
        streamed[ticket_id].append(seq)
    for ticket in seen.tickets.values():
        events = seen.events.get(ticket.id, [])
        yield from _gaps(ticket, events, streamed.get(ticket.id, []))
        yield from _thread(ticket, seen.messages.get(ticket.id, []))
        yield from _assignment(ticket, events, seen.may_be_given_tickets)
    for ticket_id in streamed.keys() - seen.tickets.keys():
        yield f"events tell of the ticket {ticket_id}, which is not there"


def _gaps(ticket: Ticket, events: Sequence[TicketEvent], streamed: Sequence[int]) -> Iterator[str]:
    """The history has each number once; the stream may repeat, and must not leave one out on the way."""
    numbers = [event.seq for event in events]
    whole = list(range(1, len(numbers) + 1))
    if numbers != whole:
        yield f"the history of ticket {ticket.id} is numbered {numbers}"
    last = 0
    for seq in streamed:
        if seq > last + 1:
            yield f"a subscriber of ticket {ticket.id} gets event {seq} after {last}"
        last = max(last, seq)
    if last != max(numbers, default=0):
        yield f"ticket {ticket.id} has {max(numbers, default=0)} events, and subscribers got {last}"


def _thread(ticket: Ticket, messages: Sequence[Message]) -> Iterator[str]:
    numbers = [message.seq for message in messages]
    if numbers != list(range(1, ticket.message_count + 1)):
        yield f"ticket {ticket.id} counts {ticket.message_count} messages, and shows the numbers {numbers}"
    for message_id, count in Counter(message.id for message in messages).items():
        if count > 1:
            yield f"message {message_id} is in the thread of ticket {ticket.id} {count} times"


def _assignment(ticket: Ticket, events: Sequence[TicketEvent], eligible: frozenset[str]) -> Iterator[str]:
    """Once an epoch, never to somebody who is not there, and not to nobody for ever."""
    decided = [event for event in events if event.type == _ASSIGNED and event.cause == _BY_ROUTER]
    for epoch, count in Counter(event.epoch for event in decided).items():
        if count > 1:
            yield f"ticket {ticket.id} was assigned {count} times in epoch {epoch}"
    for event in decided:
        if event.assignee_id not in eligible:
            yield f"ticket {ticket.id} was assigned to {event.assignee_id}, who is not online"
    if ticket.status == "open" and ticket.assignee_id is None:
        yield f"ticket {ticket.id} is open and was left to nobody"
    if events and events[-1].assignee_id != ticket.assignee_id:
        yield f"ticket {ticket.id} is with {ticket.assignee_id}, and its last event says {events[-1].assignee_id}"
