"""Messages that leave for the customer: whether they may, and the request to send them. Pure."""

from dataclasses import dataclass
from datetime import datetime

from pydantic_core import to_json

from contracts.ids import derive_id
from contracts.outbound import MailThreading, OutboundMessageRequested, Purpose
from contracts.people import Party
from service_kit.outbox import with_events
from tickets.contacts.contact_model import Contact, NumberSaid
from tickets.ticket.mail_ids import SignedIds, scoped
from tickets.ticket.model import Message, Ticket
from tickets.ticket.visibility import may_leave
from tickets.writing.conversation import added, with_mail

MAX_SMS_CHARACTERS = 1_600
MAX_CHAT_CHARACTERS = 10_000
MAX_BODY_BYTES = 700_000
"""Of text and HTML as JSON: with addresses, references and files they must fit one record of the bus."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a reply may not leave; `code` is public."""

    code: str
    detail: str


def refusal(ticket: Ticket, contact: Contact, text: str, html: str | None) -> Refusal | None:
    """What stands against sending this to the customer now."""
    if ticket.hidden:
        return Refusal("ticket_hidden", "The customer is blocked; lift the block before you answer.")
    if len(to_json((text, html))) > MAX_BODY_BYTES:
        return Refusal("text_too_long", f"Text and HTML may have {MAX_BODY_BYTES} bytes together, as JSON.")
    if ticket.channel == "sms":
        return _sms_refusal(ticket, contact, text)
    if ticket.channel == "web_chat":
        if ticket.status == "closed":
            return Refusal("conversation_closed", "This chat is over; the visitor's next message opens a new ticket.")
        if len(text) > MAX_CHAT_CHARACTERS:
            return Refusal("text_too_long", f"A chat message may have {MAX_CHAT_CHARACTERS} characters.")
    return None


def may_reply_by_sms(said: NumberSaid | None) -> bool:
    """Whether an agent may answer this number (M5): it agreed to one kind of SMS at least, and did not say stop.

    Writing first is not consent: START is, and so is what an outside system reports.
    """
    return said is not None and said.is_given


def sent(
    ticket: Ticket, message: Message, *, purpose: Purpose, mail: MailThreading | None, cause: str, now: datetime
) -> Ticket:
    """The ticket with a message of ours and the request to send it.

    The request is stored without the body: the message has it, and it is filled in when the request is published.
    """
    ticket = added(ticket, message, cause=cause, now=now)
    request = _request(ticket, message, purpose, mail, now)
    correspondence = ticket.correspondence
    if mail is not None:
        chain = with_mail(correspondence.mail_chain, (mail.message_id,))
        correspondence = correspondence.model_copy(update={"mail_chain": chain})
    quiet_since = ticket.quiet_since if message.automatic else now
    said = {"correspondence": correspondence, "last_public_by": "us", "quiet_since": quiet_since}
    ticket = ticket.model_copy(update=said)
    return with_events(ticket, [request], now)


def mail_threading(ticket: Ticket, message_id: str, signed: SignedIds) -> MailThreading | None:
    """The headers that keep our mail in its thread (X8)."""
    if ticket.channel != "email":
        return None
    talk = ticket.correspondence
    return MailThreading(
        message_id=signed.message_id(ticket.account_id, ticket.id, message_id, talk.ours.rpartition("@")[2]),
        in_reply_to=talk.mail_chain[-1] if talk.mail_chain else None,
        references=talk.mail_chain,
        reply_to=signed.reply_address(ticket.account_id, ticket.id, talk.ours),
        cc=talk.cc,
    )


def own_mail_id(ticket: Ticket, mail: MailThreading | None) -> str | None:
    """The Message-ID under which a mail of ours is stored."""
    return scoped(ticket.account_id, mail.message_id) if mail else None


def filled(request: OutboundMessageRequested, message: Message) -> OutboundMessageRequested | None:
    """The request with its body; None if the message may not leave, whoever asked."""
    if not may_leave(message.kind) or message.redaction is not None:
        return None
    body = {"text": message.text, "html": message.html, "attachments": message.attachments}
    return request.model_copy(update=body)


def _request(
    ticket: Ticket, message: Message, purpose: Purpose, mail: MailThreading | None, now: datetime
) -> OutboundMessageRequested:
    talk = ticket.correspondence
    return OutboundMessageRequested(
        id=derive_id("evt", message.id, "requested"),
        account_id=ticket.account_id,
        time=now,
        message_id=message.id,
        ticket_id=ticket.id,
        channel=ticket.channel,
        purpose=purpose,
        contact_key=talk.contact_key,
        contact_id=ticket.contact_id,
        recipient=_recipient(ticket),
        sender="" if ticket.channel == "web_chat" else talk.ours,
        author_name=message.author_name,
        subject=_reply_subject(ticket.subject) if ticket.channel == "email" else None,
        text="",
        mail=mail,
        conversation_id=talk.conversation_id,
    )


def _recipient(ticket: Ticket) -> Party:
    theirs = ticket.correspondence.theirs
    if ticket.channel == "email":
        return Party(email=theirs)
    return Party(phone=theirs) if ticket.channel == "sms" else Party(visitor_id=theirs)


def _reply_subject(subject: str) -> str:
    return subject if subject.lower().startswith("re:") else f"Re: {subject}"


def _sms_refusal(ticket: Ticket, contact: Contact, text: str) -> Refusal | None:
    if not may_reply_by_sms(contact.sms_consent.get(ticket.correspondence.theirs)):
        return Refusal(
            "no_sms_consent", "This number has not agreed to receive SMS; answer another way, or ask for START."
        )
    if len(text) > MAX_SMS_CHARACTERS:
        return Refusal("text_too_long", f"An SMS may have {MAX_SMS_CHARACTERS} characters.")
    return None
