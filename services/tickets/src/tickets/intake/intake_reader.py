"""Everything that a batch of messages may concern, read in a handful of bulk reads."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from contracts.inbound import InboundMessageReceived
from contracts.people import Channel
from tickets.contacts.contact_model import Contact, Identity
from tickets.contacts.contact_store import ContactStore
from tickets.contacts.contacts import identity
from tickets.intake.intake_guard import GuardReader
from tickets.intake.intake_state import Inbound, IntakeState
from tickets.intake.senders import chat_key, sender_identity, thread_key
from tickets.intake.threading import KnownMails, all_ids, successor_id
from tickets.life.reopen import may_reopen_by_new_thread
from tickets.people.presence_store import PresenceStore
from tickets.ticket.drafts import Drafts
from tickets.ticket.mail_ids import SignedIds, scoped
from tickets.ticket.message_store import MessageStore
from tickets.ticket.model import Message, Ticket
from tickets.ticket.rules import Rules, RulesReader
from tickets.ticket.ticket_numbers import TicketNumbers
from tickets.ticket.ticket_store import TicketStore
from tickets.writing.conversation import auto_message_id

_LONGEST_SUCCESSION = 50


class IntakeReader:
    """Builds the state that a plan works on."""

    def __init__(
        self,
        tickets: TicketStore,
        messages: MessageStore,
        contacts: ContactStore,
        presence: PresenceStore,
        rules: RulesReader,
        numbers: TicketNumbers,
        signed: SignedIds,
        guards: GuardReader,
    ) -> None:
        self._tickets = tickets
        self._messages = messages
        self._contacts = contacts
        self._presence = presence
        self._rules = rules
        self._numbers = numbers
        self._signed = signed
        self._guards = guards

    async def read(self, events: Sequence[Inbound], *, lifted: frozenset[str] = frozenset()) -> IntakeState:
        """What is stored now around these events; blocks being `lifted` do not count."""
        received = [event for event in events if isinstance(event, InboundMessageReceived)]
        rules, (identities, known), messages, mails = await asyncio.gather(
            self._read_rules(received),
            self._read_contacts(events),
            self._messages.get_many(_message_ids(received)),
            self._read_mails(received),
        )
        last_closed = await self._read_last_closed(received, rules, identities, known)
        tickets = await self._read_tickets(received, [*messages.values(), *mails], identities, known)
        tickets |= {ticket.id: ticket for ticket in last_closed.values()}
        senders = {known_as.id: known_as for known_as in map(_identity, events)}
        guard, messages, online, numbers = await asyncio.gather(
            self._guards.read(senders, identities, known, lifted=lifted),
            self._read_again(messages),
            self._presence.online({ticket.assignee_id for ticket in tickets.values() if ticket.assignee_id}),
            self._borrow(received),
        )
        known_mails = KnownMails()
        for mail in mails:
            known_mails.add(mail)
        return IntakeState(
            messages=Drafts(messages),
            identities=Drafts(identities),
            contacts=Drafts({contact.id: contact for contact in known.values()}),
            tickets=Drafts(tickets),
            mails=known_mails,
            last_closed={contact_id: ticket.id for contact_id, ticket in last_closed.items()},
            rules=rules,
            online=online,
            numbers=numbers,
            guard=guard,
            homes={asked: contact.id for asked, contact in known.items()},
        )

    def give_back(self, state: IntakeState) -> None:
        """Return the ticket numbers that the plan did not need."""
        for account_id, numbers in state.numbers.items():
            self._numbers.give_back(account_id, numbers)

    async def _read_rules(self, received: Sequence[InboundMessageReceived]) -> dict[str, Rules]:
        channels: dict[str, set[Channel]] = {}
        for event in received:
            channels.setdefault(event.account_id, set()).add(event.channel)
        return {account_id: await self._rules.read(account_id, wanted) for account_id, wanted in channels.items()}

    async def _read_contacts(self, events: Sequence[Inbound]) -> tuple[Mapping[str, Identity], Mapping[str, Contact]]:
        wanted = {known_as.id: known_as for known_as in map(_identity, events)}
        identities = await self._contacts.identities(wanted)
        contact_ids = {(identities.get(identity_id) or known_as).contact_id for identity_id, known_as in wanted.items()}
        return identities, await self._contacts.get_many(contact_ids)

    async def _read_mails(self, received: Sequence[InboundMessageReceived]) -> Sequence[Message]:
        return await self._messages.mails(
            {scoped(event.account_id, mail_id) for event in received if event.mail for mail_id in all_ids(event.mail)}
        )

    async def _read_last_closed(
        self,
        received: Sequence[InboundMessageReceived],
        rules: Mapping[str, Rules],
        identities: Mapping[str, Identity],
        known: Mapping[str, Contact],
    ) -> dict[str, Ticket]:
        """Only where a new thread may reopen it: of the presets, with `status_page` (X5)."""
        wanted: dict[str, set[str]] = {}
        for event in received:
            if event.mail is not None and may_reopen_by_new_thread(rules[event.account_id].tickets):
                wanted.setdefault(event.account_id, set()).update(_contact_ids(event, identities, known))
        found: dict[str, Ticket] = {}
        for account_id, contact_ids in wanted.items():
            found |= await self._tickets.last_closed(account_id, contact_ids, "email")
        return found

    async def _read_tickets(
        self,
        received: Sequence[InboundMessageReceived],
        messages: Iterable[Message],
        identities: Mapping[str, Identity],
        known: Mapping[str, Contact],
    ) -> dict[str, Ticket]:
        """The tickets of stored messages, those that signed ids name, those that hold threads, and their successors."""
        ids = {message.ticket_id for message in messages if message.ticket_id is not None}
        keys: dict[str, set[str]] = {}
        for event in received:
            ids |= self._named(event)
            if event.mail is None:
                own = {thread_key(event, one) for one in _contact_ids(event, identities, known)}
                keys.setdefault(event.account_id, set()).update(own)
            if event.chat is not None and event.chat.follow_up_of is not None:
                keys.setdefault(event.account_id, set()).add(chat_key(event.chat.follow_up_of))
        named, holding = await asyncio.gather(self._tickets.get_many(ids), self._tickets.by_thread_keys(keys))
        tickets = {**named, **{ticket.id: ticket for ticket in holding}}
        for _ in range(_LONGEST_SUCCESSION):
            followed = (successor_id(ticket) for ticket in tickets.values())
            successors = {one for one in followed if one is not None} - tickets.keys()
            found = await self._tickets.get_many(successors) if successors else {}
            if not found:
                break
            tickets |= found
        accounts = {event.account_id for event in received}
        there = (one for one in tickets.values() if one.account_id in accounts and one.erased_at is None)
        return {ticket.id: ticket for ticket in there}

    def _named(self, event: InboundMessageReceived) -> set[str]:
        """Tickets that the message itself names."""
        if event.chat is not None and event.chat.follow_up_of is not None:
            return {event.chat.follow_up_of}
        if event.mail is None:
            return set()
        own = (self._signed.read_message_id(event.account_id, mail_id) for mail_id in all_ids(event.mail))
        named = {mail.ticket_id for mail in own if mail is not None}
        token = self._signed.read_token(event.account_id, event.mail.reply_token)
        return named | {token} if token is not None else named

    async def _read_again(self, messages: Mapping[str, Message]) -> Mapping[str, Message]:
        """Read messages without a place once more, now that their tickets are read.

        If one was published in between, its event is no longer in the ticket's outbox, but it has its place by now.
        """
        waiting = [message.id for message in messages.values() if not message.is_settled]
        return {**messages, **await self._messages.get_many(waiting)} if waiting else messages

    async def _borrow(self, received: Sequence[InboundMessageReceived]) -> dict[str, list[int]]:
        counted = Counter(event.account_id for event in received)
        return {account_id: await self._numbers.borrow(account_id, count) for account_id, count in counted.items()}


def _message_ids(received: Sequence[InboundMessageReceived]) -> list[str]:
    """The messages themselves, and what Deskbus may have answered them."""
    return [one for event in received for one in (event.message_id, auto_message_id(event.message_id))]


def _identity(event: Inbound) -> Identity:
    if isinstance(event, InboundMessageReceived):
        return sender_identity(event)
    return identity(event.account_id, "visitor", event.visitor_id)


def _contact_ids(
    event: InboundMessageReceived, identities: Mapping[str, Identity], known: Mapping[str, Contact]
) -> tuple[str, ...]:
    """Every contact that the sender is: several, where contacts became one."""
    known_as = sender_identity(event)
    contact_id = (identities.get(known_as.id) or known_as).contact_id
    return known[contact_id].ids if contact_id in known else (contact_id,)
