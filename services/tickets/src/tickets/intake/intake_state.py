"""What a batch of messages is about, while it is being decided in memory. No I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from contracts.inbound import ContactProfileGiven, InboundMessageReceived
from tickets.contacts.contact_model import Contact, Identity
from tickets.intake.intake_guard import IntakeGuard
from tickets.intake.senders import sms_key
from tickets.intake.threading import KnownMails, successor_id
from tickets.privacy.block_kept import KeptMessage
from tickets.ticket.drafts import Drafts
from tickets.ticket.model import Message, Ticket
from tickets.ticket.rules import Rules

Inbound = InboundMessageReceived | ContactProfileGiven


@dataclass(slots=True)
class IntakeState:
    """Everything one round of intake reads, and how it will be.

    `last_closed` are the senders' last closed mail tickets by contact, where a preset may reopen them. `online` are
    agents known to be online. `numbers` are borrowed ticket numbers by account. `homes` says which contact a merged
    one is by now. `kept` is what blocks set aside, `refused` what
    they do not keep.
    """

    messages: Drafts[Message]
    identities: Drafts[Identity]
    contacts: Drafts[Contact]
    tickets: Drafts[Ticket]
    mails: KnownMails
    last_closed: Mapping[str, str]
    rules: Mapping[str, Rules]
    online: frozenset[str]
    numbers: dict[str, list[int]]
    homes: Mapping[str, str] = field(default_factory=dict)
    guard: IntakeGuard = field(default_factory=IntakeGuard)
    kept: list[KeptMessage] = field(default_factory=list)
    refused: list[KeptMessage] = field(default_factory=list)
    holders: dict[tuple[str, str], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Find the holder of each thread key."""
        for ticket in self.tickets.current.values():
            self._note_holder(ticket)

    def put_ticket(self, ticket: Ticket) -> None:
        """A ticket as this batch wants it; its thread key names it from now on."""
        self.tickets.put(ticket)
        self._note_holder(ticket)

    def put_message(self, message: Message) -> None:
        """A message as this batch wants it; later mails of the batch may refer to it."""
        self.messages.put(message)
        self.mails.add(message)

    def home(self, contact_id: str) -> str:
        """The contact that an identity's contact is by now."""
        return self.homes.get(contact_id, contact_id)

    def sms_key(self, contact: Contact, own_id: str) -> str:
        """The thread that takes a person's next SMS (M3).

        Contacts that became one may each have brought a thread: the next message goes to what is unfinished, and of
        several to where the customer wrote last.
        """
        keys = [sms_key(one) for one in contact.ids]
        held = [(key, holder.id) for key in keys if (holder := self.holder(contact.account_id, key)) is not None]
        current = [(key, ticket) for key, ticket_id in held if (ticket := self.current_of(ticket_id)) is not None]
        return max(current, key=lambda one: _liveliness(one[1]), default=(sms_key(own_id), None))[0]

    def holder(self, account_id: str, thread_key: str) -> Ticket | None:
        """The ticket that takes the next message of a thread."""
        return self.tickets.get(self.holders.get((account_id, thread_key)))

    def current_of(self, ticket_id: str) -> Ticket | None:
        """A ticket, or the one that took over its thread or that it was merged into, or that one's successor.

        A circle means that a merge was written between two reads: its target is outdated then, and what is decided
        about it will be decided again.
        """
        ticket = self.tickets.get(ticket_id)
        passed: dict[str, Ticket] = {}
        while ticket is not None and (successor := self.tickets.get(successor_id(ticket))) is not None:
            passed[ticket.id] = ticket
            if successor.id in passed:
                return next(one for one in passed.values() if one.merged_into is None)
            ticket = successor
        return ticket

    def last_closed_of(self, contact: Contact) -> Ticket | None:
        """A sender's last closed mail ticket, where it was looked up."""
        found = [self.tickets.get(self.last_closed.get(one)) for one in contact.ids]
        return max((one for one in found if one is not None), key=lambda ticket: ticket.updated_at, default=None)

    def _note_holder(self, ticket: Ticket) -> None:
        if ticket.thread_key is not None:
            self.holders[(ticket.account_id, ticket.thread_key)] = ticket.id


def _liveliness(ticket: Ticket) -> tuple[bool, datetime, int]:
    return (ticket.status != "closed", ticket.last_inbound_at or ticket.created_at, ticket.number)
