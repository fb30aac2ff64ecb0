"""Deciding a batch of customers' messages in memory, in order (I4, I5). Pure: the state goes in, drafts come out."""

from dataclasses import dataclass, replace
from datetime import datetime

from contracts.ids import derive_id
from contracts.inbound import ContactProfileGiven, InboundMessageReceived
from service_kit.outbox import OUTBOX_LIMIT
from tickets.contacts.contact_model import Contact, Identity
from tickets.contacts.contact_parts import in_part
from tickets.contacts.contacts import (
    identity,
    may_be_told,
    new_contact,
    published,
    spent,
    with_identity,
    with_profile,
)
from tickets.intake.auto_answer import auto_answer
from tickets.intake.completion import take_again
from tickets.intake.intake_state import Inbound, IntakeState
from tickets.intake.senders import chat_key, presented, sender_identity, thread_key
from tickets.intake.threading import Matched, ThreadMatch, Unmatched, clues, match
from tickets.intake.verdict import Disposition, Ignore, Join, Start, Surroundings, judge
from tickets.life.reopen import Append, owner_stays, policy_of
from tickets.privacy.block import Block
from tickets.privacy.block_kept import blocked_message, kept_message
from tickets.ticket.mail_ids import SignedIds
from tickets.ticket.model import Message, Ticket
from tickets.ticket.ticket_events import counts
from tickets.writing.conversation import (
    auto_message,
    auto_message_id,
    followed,
    inbound_message,
    joined,
    opened,
    superseded,
)
from tickets.writing.mail_reports import is_mail_report, with_report
from tickets.writing.outgoing import sent

_ROOM_FOR_ONE_MESSAGE = 10
"""How many events one message can cause, generously."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one event became: the documents it depends on. It holds only if all of them are stored as drafted."""

    event: Inbound
    contact_id: str | None = None
    message_id: str | None = None
    ticket_ids: tuple[str, ...] = ()


class IntakePlan:
    """One round's decisions; `state` ends as the batch wants it.

    `full` are tickets that carry as many unpublished events as they may: their messages have no outcome, and wait for
    the next round.
    """

    def __init__(self, state: IntakeState, signed: SignedIds, now: datetime) -> None:
        self.state = state
        self.outcomes: list[Outcome] = []
        self.full: set[str] = set()
        self._signed = signed
        self._now = now
        self._drafted: set[str] = set()

    def take(self, event: Inbound) -> None:
        """Decide the next event."""
        if isinstance(event, InboundMessageReceived):
            self._take_message(event)
        else:
            self._take_profile(event)

    def finish(self) -> None:
        """Number and announce the contacts that changed."""
        for contact in self.state.contacts.changed:
            self.state.contacts.put(published(self.state.contacts.before(contact.id), contact, self._now))

    def _take_profile(self, event: ContactProfileGiven) -> None:
        known_as = identity(event.account_id, "visitor", event.visitor_id)
        contact, known_as = self._contact(known_as)
        contact = in_part(contact, known_as.contact_id, lambda part: with_profile(part, event.name, event.email))
        if self.state.guard.block_of(contact, known_as) is None:
            self._keep(contact, known_as)
        self.outcomes.append(Outcome(event, contact_id=contact.id))

    def _take_message(self, event: InboundMessageReceived) -> None:
        """A message that is stored already keeps its ticket, unless that one was never written."""
        known = self.state.messages.get(event.message_id)
        ticket = self.state.tickets.get(known.ticket_id) if known is not None else None
        if known is not None and (
            known.is_settled or known.id in self._drafted or (ticket and counts(ticket, known.id))
        ):
            ids = take_again(self.state, known, event, self._now)
            self.outcomes.append(Outcome(event, message_id=known.id, ticket_ids=ids))
            return
        contact, known_as = self._contact(sender_identity(event))
        if (block := self.state.guard.block_of(contact, known_as)) is not None:
            self._set_aside(event, block)
            return
        contact = in_part(contact, known_as.contact_id, lambda part: presented(part, event))
        found = Matched(ticket.id, known.rule) if known and ticket else self._match(event, contact)
        self._place(event, contact, known_as, found)

    def _set_aside(self, event: InboundMessageReceived, block: Block) -> None:
        """A blocked customer's message is recorded and set aside; it touches no ticket and no contact (L9)."""
        self._put_message(blocked_message(event, block))
        keeps = block.id not in self.state.guard.full
        (self.state.kept if keeps else self.state.refused).append(kept_message(event, block))
        self.outcomes.append(Outcome(event, message_id=event.message_id))

    def _match(self, event: InboundMessageReceived, contact: Contact) -> ThreadMatch:
        if event.mail is not None:
            found = clues(event.account_id, event.mail, self.state.mails, self._signed)
            email = event.sender.email.strip().lower() if event.sender.email else None
            known, is_report = self.state.tickets.current, is_mail_report(event)
            return match(found, known, contact_id=contact.id, email=email, is_bounce=is_report, merged=contact.merged)
        holder = self.state.holder(event.account_id, self._thread_key(event, contact))
        return Matched(holder.id, f"{event.channel}_thread") if holder is not None else Unmatched()

    def _place(self, event: InboundMessageReceived, contact: Contact, known_as: Identity, found: ThreadMatch) -> None:
        """Carry out what is decided: drafts of the contact, the message and the tickets it concerns."""
        disposition = self._judge(event, contact, found)
        known = self.state.messages.get(event.message_id)
        if isinstance(disposition, Start) and disposition.follow_up_of is None and known is not None:
            disposition = replace(disposition, follow_up_of=known.follow_up_of)
        if isinstance(disposition, Ignore):
            self._draft(event, None, None, disposition)
            self.outcomes.append(Outcome(event, message_id=event.message_id))
            return
        before = self.state.tickets.get(disposition.ticket_id) if isinstance(disposition, Join) else None
        if before is not None and len(before.outbox) > OUTBOX_LIMIT - _ROOM_FOR_ONE_MESSAGE:
            self.full.add(before.id)
            return
        ticket, touched = (before, ()) if before is not None else self._open(event, contact, disposition)
        message = self._draft(event, ticket, contact, disposition)
        ticket = self._join(event, ticket, message, disposition)
        ticket, contact = self._answer(event, ticket, before, contact, disposition)
        self.state.put_ticket(ticket)
        self._keep(contact, known_as)
        self.outcomes.append(Outcome(event, contact.id, message.id, (ticket.id, *touched)))

    def _judge(self, event: InboundMessageReceived, contact: Contact, found: ThreadMatch) -> Disposition:
        around = Surroundings(
            match=found,
            ticket=self.state.current_of(found.ticket_id) if isinstance(found, Matched) else None,
            last_closed=self.state.last_closed_of(contact),
            settings=self.state.rules[event.account_id].tickets,
            now=self._now,
        )
        return judge(event, around)

    def _open(
        self, event: InboundMessageReceived, contact: Contact, disposition: Join | Start
    ) -> tuple[Ticket, tuple[str, ...]]:
        """The new ticket, and those that change with it."""
        start = self._linked(event, contact, disposition)
        ticket = opened(
            event,
            contact,
            start,
            contact_id=self._own_id(event),
            ticket_id=derive_id("tic", event.account_id, event.message_id),
            number=self.state.numbers[event.account_id].pop(0),
            thread_key=self._thread_key(event, contact),
            our_addresses=self.state.rules[event.account_id].our_addresses,
            now=self._now,
        )
        return ticket, self._supersede(event, start, ticket)

    def _supersede(self, event: InboundMessageReceived, start: Start, by: Ticket) -> tuple[str, ...]:
        """Hand over what the new ticket takes: the thread of the one it continues, and the key from whoever holds it.

        After a merge these are two: the ticket that was merged holds the key of its thread.
        """
        continued = self.state.tickets.get(start.supersedes)
        holder = self.state.holder(event.account_id, str(by.thread_key))
        key = by.thread_key if event.mail is None else None
        if holder is not None and holder.merged_into is None:
            holder = None
        ended = {ticket.id: ticket for ticket in (continued, holder) if ticket is not None}
        for ticket in ended.values():
            self.state.put_ticket(superseded(ticket, by.id, key))
        linked = self.state.tickets.get(start.follow_up_of)
        if linked is None or linked.id in ended:
            return tuple(ended)
        self.state.put_ticket(followed(linked, by.id))
        return (*ended, linked.id)

    def _linked(self, event: InboundMessageReceived, contact: Contact, disposition: Join | Start) -> Start:
        """A chat after a closed one of the same visitor follows it up (W2)."""
        start = disposition if isinstance(disposition, Start) else Start(disposition.rule)
        if start.follow_up_of is not None or event.chat is None or event.chat.follow_up_of is None:
            return start
        named = event.chat.follow_up_of
        earlier = self.state.tickets.get(named) or self.state.holder(event.account_id, chat_key(named))
        if earlier is None or earlier.contact_id not in contact.ids:
            return start
        return replace(start, follow_up_of=earlier.id)

    def _draft(
        self,
        event: InboundMessageReceived,
        ticket: Ticket | None,
        contact: Contact | None,
        disposition: Disposition,
    ) -> Message:
        message = inbound_message(
            event,
            ticket_id=ticket.id if ticket else None,
            contact_id=self._author_id(event, ticket, contact) if contact else None,
            verdict="created" if isinstance(disposition, Start) else disposition.verdict,
            rule=disposition.rule,
            follow_up_of=disposition.follow_up_of if isinstance(disposition, Start) else None,
            customer_id=ticket.contact_id if ticket else None,
        )
        return self._put_message(message)

    def _put_message(self, message: Message) -> Message:
        """Draft a message; one that is stored already is only written again if its decision became another."""
        known = self.state.messages.get(message.id)
        if known is not None:
            message = message.model_copy(update={"rev": known.rev, "first_delivery_id": known.first_delivery_id})
        self._drafted.add(message.id)
        if message != known:
            self.state.put_message(message)
        return message

    def _join(
        self, event: InboundMessageReceived, ticket: Ticket, message: Message, disposition: Join | Start
    ) -> Ticket:
        ticket = joined(
            ticket,
            message,
            event,
            disposition.effect if isinstance(disposition, Join) else Append("first_message"),
            owner_stays=self._owner_stays(ticket),
            our_addresses=self.state.rules[event.account_id].our_addresses,
            now=self._now,
        )
        return with_report(ticket, event, self._signed, self.state.current_of, self._now)

    def _owner_stays(self, ticket: Ticket) -> bool:
        """Where nobody is ever online, because there is no rotation, everybody counts as available (A3)."""
        rules = self.state.rules[ticket.account_id]
        is_available = not rules.round_robin or ticket.assignee_id in self.state.online
        return owner_stays(policy_of(rules.tickets, ticket), is_available=is_available)

    def _answer(
        self,
        event: InboundMessageReceived,
        ticket: Ticket,
        before: Ticket | None,
        contact: Contact,
        disposition: Join | Start,
    ) -> tuple[Ticket, Contact]:
        """The ticket with what Deskbus says by itself, and the contact whose budget that used."""
        said = auto_answer(event, disposition, before, contact, self.state.rules[event.account_id], self._now)
        if said is None or not may_be_told(contact, auto_message_id(event.message_id), self._now):
            return ticket, contact
        message = self._put_message(auto_message(event.message_id, ticket, said, self._now))
        ticket = sent(ticket, message, purpose="auto_reply", mail=None, cause=said.rule, now=self._now)
        return ticket, spent(contact, message.id, self._now)

    def _contact(self, known_as: Identity) -> tuple[Contact, Identity]:
        """The contact behind an identity, and the identity as it is known; new ones begin here."""
        known_as = self.state.identities.get(known_as.id) or known_as
        contact = self.state.contacts.get(self.state.home(known_as.contact_id))
        contact = contact or new_contact(known_as.contact_id, known_as.account_id, self._now)
        stop = self.state.guard.with_stop
        known = in_part(contact, known_as.contact_id, lambda part: stop(with_identity(part, known_as), known_as))
        return known, known_as

    def _own_id(self, event: InboundMessageReceived) -> str:
        """The contact that the sender's identity was of first: what a ticket keeps, so that merges can be undone."""
        known_as = sender_identity(event)
        return (self.state.identities.get(known_as.id) or known_as).contact_id

    def _author_id(self, event: InboundMessageReceived, ticket: Ticket | None, contact: Contact) -> str:
        """Who wrote: whatever a merged customer writes from, they are the customer of their ticket."""
        return ticket.contact_id if ticket and ticket.contact_id in contact.ids else self._own_id(event)

    def _thread_key(self, event: InboundMessageReceived, contact: Contact) -> str:
        own_id = self._own_id(event)
        return thread_key(event, own_id) if event.sms is None else self.state.sms_key(contact, own_id)

    def _keep(self, contact: Contact, known_as: Identity) -> None:
        if self.state.identities.get(known_as.id) is None:
            self.state.identities.put(known_as)
        if contact != self.state.contacts.get(contact.id):
            self.state.contacts.put(contact)
