"""A mail that was understood, or not, to the event that opens or extends a ticket. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from contracts.ids import derive_id
from contracts.inbound import Automatic, InboundMessageReceived, MailHeaders
from contracts.intake import IntakeVerdictRecorded
from contracts.mail import MailAccepted, MailBounced
from contracts.people import Attachment, Party
from ingest_email.identity import message_id, provider_message_id
from ingest_email.parsing.headers import bare_address
from ingest_email.parsing.model import AutomaticMark, MailBody, MailHead
from ingest_email.parsing.own_mail import OwnMail
from ingest_email.plus_address import tag_of

_PARTIAL = "partial:"
_MAX_EVENT_BYTES = 900_000
"""What the bus takes is 1 MiB, with the headers of the record."""


@dataclass(frozen=True, slots=True)
class Understood:
    """All that is known of one delivery. `parse_error` is set where that is not everything the mail says."""

    mail: MailAccepted
    mailbox: str
    head: MailHead
    body: MailBody
    parse_error: str | None = None

    @property
    def is_unread(self) -> bool:
        """Whether nothing but the header block was understood."""
        return self.parse_error is not None and not self.parse_error.startswith(_PARTIAL)


def sender_of(mail: MailAccepted, head: MailHead) -> str | None:
    """Who wrote: whom the mail names, or else whom its envelope names."""
    return head.from_email or bare_address(mail.envelope_sender)


def received(
    known: Understood, *, sender: str, attachments: Sequence[Attachment], own: AutomaticMark | None
) -> InboundMessageReceived:
    """The event; what would not fit in a record of the bus is left out and named in `parse_error`."""
    mail, head, body = known.mail, known.head, known.body
    mark = own or head.automatic
    event = InboundMessageReceived(
        id=mail.id,
        account_id=mail.account_id,
        time=mail.received_at,
        message_id=named_message(known),
        provider_message_id=provider_message_id(head),
        channel="email",
        contact_key=sender,
        sender=Party(name=head.from_name if head.from_email else None, email=sender),
        recipient=known.mailbox,
        subject=head.subject,
        text=body.text,
        html=body.html,
        quoted_text=body.quoted_text,
        attachments=tuple(attachments),
        sent_at=head.sent_at,
        received_at=mail.received_at,
        automatic=None if mark is None else Automatic(kind=mark.kind, rule=mark.rule),
        mail=_threading(known),
        raw_blob_key=mail.raw_blob_key,
        parse_error=known.parse_error,
    )
    return _fitting(event)


def named_message(known: Understood) -> str:
    """Which message it is: as it was called when it could not be understood, or as its headers say."""
    return known.mail.message_id or message_id(known.mail.account_id, known.head)


def quarantined(known: Understood, reason: str) -> IntakeVerdictRecorded:
    """The verdict on a mail that names nobody."""
    return _set_aside(known.mail, provider_message_id(known.head), known.mailbox, reason)


def gone(mail: MailAccepted, mailbox: str) -> IntakeVerdictRecorded:
    """The verdict on a delivery of nobody's mail whose bytes are not there any more; they name it all the same."""
    return _set_aside(mail, mail.raw_blob_key.rpartition("/")[2], mailbox, "raw_mail_gone")


def _set_aside(mail: MailAccepted, named: str, mailbox: str, reason: str) -> IntakeVerdictRecorded:
    return IntakeVerdictRecorded(
        id=derive_id("vrd", mail.id),
        account_id=mail.account_id,
        time=mail.received_at,
        delivery_id=mail.id,
        provider_message_id=named,
        channel="email",
        mailbox=mailbox,
        verdict="quarantined",
        rule="sender_required",
        reason=reason,
        received_at=mail.received_at,
    )


def bounced(mail: MailAccepted, head: MailHead, reported: OwnMail) -> tuple[MailBounced, ...]:
    """What a delivery report says of a mail of ours, one event for each recipient it did not reach."""
    failed = head.report.failed if head.report else ()
    return tuple(
        MailBounced(
            id=derive_id("evt", mail.id, "bounced", one.address),
            account_id=mail.account_id,
            time=mail.received_at,
            message_id=reported.message_id,
            ticket_id=reported.ticket_id,
            recipient=one.address,
            status=one.status,
            diagnostic=one.diagnostic,
            report_delivery_id=mail.id,
        )
        for one in failed
    )


def attachment_id(account_id: str, head: MailHead, number: int, blob_key: str) -> str:
    """The id of a file: the same however often the mail comes."""
    return derive_id("att", message_id(account_id, head), str(number), blob_key)


def partial(body: MailBody) -> str | None:
    """The parse error of a mail of which not everything was kept."""
    return f"{_PARTIAL}{','.join(body.left_out)}" if body.left_out else None


def _threading(known: Understood) -> MailHeaders:
    head = known.head
    return MailHeaders(
        message_id=head.message_id,
        in_reply_to=head.in_reply_to,
        references=head.references,
        to=head.to,
        cc=head.cc,
        reply_token=tag_of((known.mail.recipient, *head.to, *head.cc), known.mailbox),
    )


def _fitting(event: InboundMessageReceived) -> InboundMessageReceived:
    for field, code in (("html", "html_over_limit"), ("quoted_text", "history_over_limit")):
        if len(event.payload()) <= _MAX_EVENT_BYTES:
            break
        event = event.model_copy(update={field: None, "parse_error": event.parse_error or f"{_PARTIAL}{code}"})
    return event
