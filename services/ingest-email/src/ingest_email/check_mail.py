"""Mails that the notifier sent to see whether they arrive: told to it, and nobody's message. Pure."""

from contracts.ids import derive_id
from contracts.intake import IntakeVerdictRecorded
from contracts.mail import MailCheckSeen
from ingest_email.identity import provider_message_id
from ingest_email.inbound import Understood
from service_kit.mail_checks import check_of
from service_kit.signing import Signer


def seen(signer: Signer, known: Understood) -> MailCheckSeen | None:
    """The check that a mail belongs to, as its mail itself or as a report that it could not be delivered."""
    mail, head = known.mail, known.head
    arrived = check_of(signer, mail.account_id, head.message_id)
    failed = head.report.failed if head.report else ()
    returned = check_of(signer, mail.account_id, head.report.reported_id) if head.report and failed else None
    check = arrived or returned
    if check is None:
        return None
    return MailCheckSeen(
        id=derive_id("evt", mail.id, "check_seen"),
        account_id=mail.account_id,
        time=mail.received_at,
        check_id=check.check_id,
        run=check.run,
        variant=check.variant,
        outcome="arrived" if arrived else "returned",
        reason=None if arrived else failed[0].diagnostic or failed[0].status,
        delivery_id=mail.id,
    )


def verdict(known: Understood) -> IntakeVerdictRecorded:
    """How such a delivery ends: recorded, in no ticket."""
    mail = known.mail
    return IntakeVerdictRecorded(
        id=derive_id("vrd", mail.id),
        account_id=mail.account_id,
        time=mail.received_at,
        delivery_id=mail.id,
        provider_message_id=provider_message_id(known.head),
        channel="email",
        mailbox=known.mailbox,
        verdict="automatic",
        rule="forwarding_check",
        received_at=mail.received_at,
    )
