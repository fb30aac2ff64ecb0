"""Messages joining tickets: a customer's, ours, notes, and what Deskbus says by itself. Pure."""

from collections.abc import Iterable
from datetime import datetime
from typing import assert_never

from contracts.ids import derive_id
from contracts.inbound import InboundMessageReceived
from contracts.intake import Verdict
from contracts.people import Actor
from contracts.tickets import TicketCreated, TicketMessageAdded
from service_kit.docstore.tokens import document_tokens
from tickets.contacts.contact_model import Contact
from tickets.intake.auto_text import AutoText
from tickets.intake.threading import references
from tickets.intake.verdict import Start
from tickets.life.life import awake, reopened
from tickets.life.reopen import Append, Reopen, Wake
from tickets.ticket.mail_ids import clean_ids, scoped, without_plus
from tickets.ticket.model import Correspondence, Delivery, Message, Ticket
from tickets.ticket.ticket_events import SYSTEM, changed, say

MAX_PARTICIPANTS = 50
MAX_SEARCH_TOKENS = 1_000
_MAIL_CHAIN = 20
_FOLLOWERS = 20
NO_SUBJECT = "(no subject)"
"""What a ticket is called whose first message says nothing, or could not be read."""

_SUBJECT_CHARACTERS = 120


def inbound_message(
    event: InboundMessageReceived,
    *,
    ticket_id: str | None,
    contact_id: str | None,
    verdict: Verdict,
    rule: str,
    follow_up_of: str | None = None,
    customer_id: str | None = None,
) -> Message:
    """A customer's message as it is stored; `customer_id` is the contact whose ticket it joins."""
    mail = event.mail
    own_ids = clean_ids((mail.message_id,)) if mail else ()
    refers_to = clean_ids((*references(mail), *mail.in_reply_to)) if mail else ()
    return Message(
        id=event.message_id,
        account_id=event.account_id,
        ticket_id=ticket_id,
        verdict=verdict,
        rule=rule,
        follow_up_of=follow_up_of,
        first_delivery_id=event.id,
        kind="inbound",
        author=Actor(kind="customer", id=contact_id),
        author_name=event.sender.name or sender_value(event),
        text=event.text,
        html=event.html,
        quoted_text=event.quoted_text,
        attachments=event.attachments,
        mail_id=scoped(event.account_id, own_ids[0]) if own_ids else None,
        mail_references=tuple(scoped(event.account_id, mail_id) for mail_id in refers_to),
        automatic=event.automatic is not None,
        parse_error=event.parse_error,
        provider_message_id=event.provider_message_id,
        is_guest=customer_id is not None and customer_id != contact_id,
        created_at=event.received_at,
    )


def auto_message_id(inbound_id: str) -> str:
    """The id of what Deskbus says in answer to a message: one answer at most, whenever it is decided again."""
    return derive_id("msg", "automatic", inbound_id)


def auto_message(answered_id: str, ticket: Ticket, said: AutoText, now: datetime) -> Message:
    """An automatic text as it is stored."""
    return Message(
        id=auto_message_id(answered_id),
        account_id=ticket.account_id,
        ticket_id=ticket.id,
        rule=said.rule,
        kind="system",
        author=SYSTEM,
        text=said.text,
        delivery=Delivery(state="queued"),
        automatic=True,
        created_at=now,
    )


def opened(
    event: InboundMessageReceived,
    contact: Contact,
    start: Start,
    *,
    contact_id: str,
    ticket_id: str,
    number: int,
    thread_key: str,
    our_addresses: frozenset[str],
    now: datetime,
) -> Ticket:
    """A new ticket, still without its first message; `contact_id` is who wrote, before any merge."""
    ticket = Ticket(
        id=ticket_id,
        account_id=event.account_id,
        number=number,
        thread_key=thread_key,
        channel=event.channel,
        subject=subject_of(event),
        contact_id=contact_id,
        correspondence=_first_correspondence(event, our_addresses),
        cycle_opened_at=event.received_at,
        follow_up_of=start.follow_up_of,
        suspected_thread_of=start.suspected_thread_of,
        created_at=event.received_at,
        updated_at=now,
    )
    tokens = document_tokens(str(number), ticket.subject, contact.name, contact.email, contact.phone)
    ticket = ticket.model_copy(update={"search_tokens": tuple(tokens)})
    return say(
        ticket,
        TicketCreated,
        actor=Actor(kind="customer", id=contact_id),
        cause="customer_message",
        now=now,
        follow_up_of=start.follow_up_of,
        suspected_thread_of=start.suspected_thread_of,
        campaign_id=event.sms.campaign_id if event.sms else None,
    )


def joined(
    ticket: Ticket,
    message: Message,
    event: InboundMessageReceived,
    effect: Append | Wake | Reopen,
    *,
    owner_stays: bool,
    our_addresses: frozenset[str],
    now: datetime,
) -> Ticket:
    """The ticket with a customer's message, woken or reopened by it first."""
    match effect:
        case Wake():
            ticket = awake(ticket, actor=message.author, cause="customer_reply", now=now)
        case Reopen():
            ticket = reopened(ticket, owner_stays=owner_stays, actor=message.author, cause="customer_reply", now=now)
        case Append():
            pass
        case _:
            assert_never(effect)
    if not message.automatic:
        ticket = ticket.model_copy(
            update={
                "correspondence": _next_correspondence(ticket, message, event, our_addresses),
                "last_inbound_at": event.received_at,
                "last_public_by": "customer",
                "quiet_since": None,
            }
        )
    return added(ticket, message, cause="customer_message", now=now)


def added(ticket: Ticket, message: Message, *, cause: str, now: datetime) -> Ticket:
    """The ticket with one more message, unread by all but its author."""
    seq = ticket.next_seq
    author = message.author
    ticket = changed(
        ticket,
        now,
        next_seq=seq + 1,
        read_by=_readers(ticket, message),
        search_tokens=searchable(ticket, message.text),
    )
    return say(
        ticket,
        TicketMessageAdded,
        actor=author,
        cause=cause,
        now=now,
        message_id=message.id,
        message_seq=seq,
        kind=message.kind,
        automatic=message.automatic,
        conversation_id=ticket.correspondence.conversation_id,
        macro_id=message.macro_id,
    )


def superseded(ticket: Ticket, by: str, thread_key: str | None = None) -> Ticket:
    """The ticket after another one took over its thread; no change of meaning.

    With merged tickets there may be several: one that is not `thread_key` it goes on holding.
    """
    kept = ticket.thread_key if thread_key not in {None, ticket.thread_key} else None
    return followed(ticket, by).model_copy(update={"thread_key": kept, "continued_by": by})


def followed(ticket: Ticket, by: str) -> Ticket:
    """The ticket knowing one that follows it."""
    if by in ticket.followed_by:
        return ticket
    return ticket.model_copy(update={"followed_by": (*ticket.followed_by, by)[-_FOLLOWERS:]})


def with_mail(chain: tuple[str, ...], mail_ids: Iterable[str]) -> tuple[str, ...]:
    """The chain of Message-IDs with newer ones; beyond the cap the first stays, as RFC 5322 advises."""
    whole = tuple(dict.fromkeys((*chain, *mail_ids)))
    return whole if len(whole) <= _MAIL_CHAIN else (whole[0], *whole[1 - _MAIL_CHAIN :])


def subject_of(event: InboundMessageReceived) -> str:
    """What a new ticket is called."""
    if event.subject and event.subject.strip():
        return event.subject.strip()
    return subject_from(event.text) or NO_SUBJECT


def subject_from(text: str) -> str:
    """What a ticket is called after a message without a subject; empty where it says nothing."""
    first_line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return first_line[:_SUBJECT_CHARACTERS]


def sender_value(event: InboundMessageReceived) -> str:
    """What the customer wrote from; the contact key where a mail's sender could not be read (I6)."""
    sender = event.sender
    value = {"email": sender.email, "sms": sender.phone, "web_chat": sender.visitor_id}[event.channel]
    return (value or "").strip() or event.contact_key


def searchable(ticket: Ticket, text: str) -> tuple[str, ...]:
    """What the ticket is found by, with the words of one more text."""
    if len(ticket.search_tokens) >= MAX_SEARCH_TOKENS:
        return ticket.search_tokens
    return tuple(dict.fromkeys((*ticket.search_tokens, *document_tokens(text))))[:MAX_SEARCH_TOKENS]


def _readers(ticket: Ticket, message: Message) -> tuple[str, ...]:
    """Who has seen the newest message: what Deskbus says by itself is news to nobody."""
    if message.automatic:
        return ticket.read_by
    return (message.author.id,) if message.author.kind == "agent" and message.author.id else ()


def _first_correspondence(event: InboundMessageReceived, our_addresses: frozenset[str]) -> Correspondence:
    ours = without_plus(event.recipient) if event.channel == "email" else event.recipient
    theirs = sender_value(event)
    return Correspondence(
        ours=ours,
        theirs=theirs,
        contact_key=event.contact_key,
        conversation_id=event.chat.conversation_id if event.chat else None,
        cc=_in_copy(event, theirs.lower(), {ours, *our_addresses}),
        mail_chain=_mail_chain((), event),
    )


def _next_correspondence(
    ticket: Ticket, message: Message, event: InboundMessageReceived, our_addresses: frozenset[str]
) -> Correspondence:
    """What somebody in copy writes adds people and Message-IDs, and leaves the customer who they are.

    So does, after a merge, what comes by another channel or from another contact: the ticket is answered where it was.
    """
    known = ticket.correspondence
    is_customer = message.author.id == ticket.contact_id
    if event.channel != ticket.channel or (event.mail is None and not is_customer):
        return known
    latest = _first_correspondence(event, our_addresses)
    theirs, contact_key = (latest.theirs, latest.contact_key) if is_customer else (known.theirs, known.contact_key)
    cc = dict.fromkeys((*known.cc, *latest.cc, *(() if is_customer else (latest.theirs.lower(),))))
    return Correspondence(
        ours=latest.ours,
        theirs=theirs,
        contact_key=contact_key,
        conversation_id=latest.conversation_id,
        cc=tuple(address for address in cc if address != theirs.lower())[:MAX_PARTICIPANTS],
        mail_chain=_mail_chain(known.mail_chain, event),
    )


def _in_copy(event: InboundMessageReceived, theirs: str, ours: set[str]) -> tuple[str, ...]:
    if event.mail is None:
        return ()
    named = (address.strip().lower() for address in (*event.mail.to, *event.mail.cc))
    others = (address for address in named if address and address != theirs and without_plus(address) not in ours)
    return tuple(dict.fromkeys(others))[:MAX_PARTICIPANTS]


def _mail_chain(chain: tuple[str, ...], event: InboundMessageReceived) -> tuple[str, ...]:
    return with_mail(chain, clean_ids((event.mail.message_id,))) if event.mail else chain
