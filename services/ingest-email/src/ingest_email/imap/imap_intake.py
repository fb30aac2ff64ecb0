"""What becomes of a mail that was found in a mailbox."""

from typing import Literal

import structlog

from contracts.ids import derive_id
from contracts.imap import ImapMailbox
from contracts.intake import IntakeVerdictRecorded
from ingest_email.acceptance import Acceptance, OfferedMail, Target
from ingest_email.imap.imap_cursor import FolderCursor
from ingest_email.imap.imap_envelope import envelope_sender
from ingest_email.imap.imap_watched import WatchedMailbox
from ingest_email.metrics import MailMetrics
from service_kit.platform import Platform

LeftBecause = Literal["too_large", "not_handed_over"]
"""Public contract: the reasons of verdicts on mail that was left in its mailbox."""

log = structlog.get_logger(__name__)


class ImapIntake:
    """Hands mail over as every other door does, and says so where it cannot."""

    def __init__(self, platform: Platform, acceptance: Acceptance, metrics: MailMetrics) -> None:
        self._bus = platform.bus
        self._clock = platform.clock
        self._acceptance = acceptance
        self._metrics = metrics

    async def take(self, watched: WatchedMailbox, mailbox: ImapMailbox, content: bytes) -> None:
        """Store and announce one mail.

        Raises:
            Unavailable: that was not confirmed; the mail is to be taken again.
        """
        mail = OfferedMail(
            content=content,
            envelope_sender=envelope_sender(content),
            targets=(Target(watched.account_id, mailbox.address),),
            via="imap",
            peer=None,
        )
        deliveries = await self._acceptance.accept(mail)
        self._metrics.imap_mails.labels("accepted").inc()
        log.info("mail_accepted", delivery_ids=list(deliveries), size=len(content), via="imap")

    async def leave(
        self, watched: WatchedMailbox, mailbox: ImapMailbox, cursor: FolderCursor, reason: LeftBecause
    ) -> None:
        """Record that a mail cannot be taken (I2, I7). It stays in its mailbox, where somebody can read it.

        Raises:
            Unavailable: the bus did not confirm.
        """
        now = self._clock.now()
        place = f"imap:{watched.name}:{cursor.uid_validity}:{cursor.last_uid}"
        verdict = IntakeVerdictRecorded(
            id=derive_id("vrd", watched.account_id, place),
            account_id=watched.account_id,
            time=now,
            delivery_id=derive_id("dlv", watched.account_id, place),
            provider_message_id=place,
            channel="email",
            mailbox=mailbox.address,
            verdict="quarantined",
            rule="imap_fetch",
            reason=reason,
            received_at=now,
        )
        await self._bus.publish([verdict])
        self._metrics.imap_mails.labels(reason).inc()
        log.warning("mail_left", delivery_id=verdict.delivery_id, mailbox_id=watched.id, reason=reason)

    def miss(self, watched: WatchedMailbox, count: int) -> None:
        """Count mails that were gone before they could be read: somebody deleted or moved them."""
        self._metrics.imap_mails.labels("gone").inc(count)
        log.info("mails_gone", mailbox_id=watched.id, count=count)
