"""What the system and the world around it show in the end: the other half of the truth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from faults.history import Channel
from faults.hook_receiver import HookCall
from faults.mail_sink import SunkMail
from faults.simulated_twilio import SentText
from faults.widget import Thread


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket as the API shows it. `customer` is the address or number it belongs to."""

    id: str
    channel: Channel
    status: str
    assignee_id: str | None
    customer: str | None
    message_count: int
    follow_up_of: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """A message of a ticket's thread."""

    id: str
    seq: int | None
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class TicketEvent:
    """An event of a ticket's history. `epoch` and `assignee_id` are as they stood right after it."""

    seq: int
    type: str
    cause: str
    epoch: int
    assignee_id: str | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """An entry of the intake ledger: what became of one delivery."""

    delivery_id: str
    channel: Channel
    provider_message_id: str
    verdict: str
    ticket_id: str | None


@dataclass(frozen=True, slots=True)
class Observation:
    """Everything, read when nothing moved any more.

    `stream` is `ticket-events-v1` as a subscriber gets it: ticket and number of each record, in order. `deliveries` is
    the state of each outgoing message. `threads` are pairs: a conversation as its visitor's widget shows it, and as
    the server tells it from the beginning.
    """

    may_be_given_tickets: frozenset[str]
    tickets: Mapping[str, Ticket] = field(default_factory=dict)
    messages: Mapping[str, Sequence[Message]] = field(default_factory=dict)
    events: Mapping[str, Sequence[TicketEvent]] = field(default_factory=dict)
    stream: Sequence[tuple[str, int]] = ()
    ledger: Sequence[Verdict] = ()
    deliveries: Mapping[str, str] = field(default_factory=dict)
    mails: Sequence[SunkMail] = ()
    texts: Sequence[SentText] = ()
    hooks: Sequence[HookCall] = ()
    threads: Sequence[tuple[Thread, Thread]] = ()
    dead_letters: Mapping[str, int] = field(default_factory=dict)
