"""From an accepted mail to what tickets needs of it: fetch, parse elsewhere, store its files, publish."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from contracts.inbound import InboundMessageReceived
from contracts.intake import IntakeVerdictRecorded
from contracts.mail import MailAccepted, MailBounced, MailCheckSeen
from contracts.people import Attachment
from ingest_email import check_mail, inbound
from ingest_email.address_book import AddressBook
from ingest_email.blob_keys import content_key
from ingest_email.inbound import Understood
from ingest_email.metrics import MailMetrics
from ingest_email.parsing.headers import read_head
from ingest_email.parsing.model import AutomaticMark, MailBody, MailHead, ParsedMail
from ingest_email.parsing.own_mail import signed_by_us
from ingest_email.parsing.parser_pool import ParserPool
from ingest_email.parsing.parser_process import Unparsed
from ingest_email.quarantine.quarantine import Quarantine
from service_kit.blobs import BlobMissing
from service_kit.errors import TransientError
from service_kit.platform import Platform

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Ended:
    """How a delivery ended here, and the raw mail that need not be kept."""

    event: InboundMessageReceived | IntakeVerdictRecorded
    bounces: Sequence[MailBounced | MailCheckSeen] = ()
    discarded_blob_key: str | None = None


class MailWorkflow:
    """What happens to accepted mail. Everything may happen again: ids are derived, blobs are named by content."""

    def __init__(
        self,
        platform: Platform,
        *,
        addresses: AddressBook,
        pool: ParserPool,
        quarantine: Quarantine,
        metrics: MailMetrics,
    ) -> None:
        self._bus = platform.bus
        self._blobs = platform.blobs
        self._signer = platform.signer
        self._addresses = addresses
        self._pool = pool
        self._quarantine = quarantine
        self._metrics = metrics
        # Each mail may have 35 MB, and the parsers bound the pace anyway.
        self._in_memory = asyncio.Semaphore(pool.size + 2)

    async def take(self, mails: Sequence[MailAccepted]) -> None:
        """Parse a batch at once, publish it in its order."""
        results = await asyncio.gather(*(self._end(mail) for mail in mails), return_exceptions=True)
        failures = [result for result in results if isinstance(result, BaseException)]
        if failures:
            # A passing failure first: the batch is tried again whole, rather than a mail given up because of it.
            raise next((failure for failure in failures if isinstance(failure, TransientError)), failures[0])
        ended = [result for result in results if isinstance(result, _Ended)]
        await self._bus.publish([event for one in ended for event in (one.event, *one.bounces)])
        for one in ended:
            if one.discarded_blob_key is not None and not await self._is_kept(one):
                await self._blobs.delete(one.discarded_blob_key)

    async def _is_kept(self, ended: _Ended) -> bool:
        """Whether the same bytes are in quarantine after all: they came from another machine as well."""
        return await self._quarantine.holds(ended.event.account_id, str(ended.discarded_blob_key))

    async def _end(self, mail: MailAccepted) -> _Ended:
        async with self._in_memory:
            try:
                raw = await self._blobs.get(mail.raw_blob_key)
            except BlobMissing:
                if mail.envelope_sender:
                    raise
                # Nobody's mail: the same bytes were one too many in an earlier delivery, and say nothing twice.
                return _Ended(inbound.gone(mail, await self._mailbox_of(mail)))
            known, contents = await self._understand(mail, raw)
            if (check := check_mail.seen(self._signer, known)) is not None:
                return _Ended(check_mail.verdict(known), [check])
            sender = inbound.sender_of(mail, known.head)
            if sender is None:
                return await self._quarantined(known)
            if known.is_unread:
                await self._keep_unread(known, sender)
            attachments = await self._store_files(known, contents)
            own = await self._own_mark(mail.account_id, known.head)
        self._metrics.parsed.labels("incomplete" if known.parse_error else "complete").inc()
        return _Ended(
            inbound.received(known, sender=sender, attachments=attachments, own=own), self._bounces(mail, known.head)
        )

    async def _understand(self, mail: MailAccepted, raw: bytes) -> tuple[Understood, tuple[bytes, ...]]:
        mailbox = await self._mailbox_of(mail)
        parsed = await self._pool.parse(raw, envelope_sender=mail.envelope_sender)
        match parsed:
            case ParsedMail(head=head, body=body, contents=contents):
                return Understood(mail, mailbox, head, body, inbound.partial(body)), contents
            case Unparsed(reason=reason):
                log.warning("mail_not_parsed", delivery_id=mail.id, blob_key=mail.raw_blob_key, reason=reason)
                head = await asyncio.to_thread(read_head, raw, envelope_sender=mail.envelope_sender)
                return Understood(mail, mailbox, head, MailBody(), reason), ()

    async def _mailbox_of(self, mail: MailAccepted) -> str:
        inbox = await self._addresses.find(mail.recipient)
        return inbox.address if inbox else mail.recipient

    async def _quarantined(self, known: Understood) -> _Ended:
        self._metrics.parsed.labels("quarantined").inc()
        reason = "no_sender"
        if await self._quarantine.keep(known.mail, mailbox=known.mailbox, reason=reason):
            return _Ended(inbound.quarantined(known, reason))
        rejected = inbound.quarantined(known, "no_sender_over_quota")
        return _Ended(rejected, discarded_blob_key=known.mail.raw_blob_key)

    async def _keep_unread(self, known: Understood, sender: str) -> None:
        """Keep it to be read once more by a parser that can; its ticket is opened all the same (I6)."""
        await self._quarantine.keep(
            known.mail,
            mailbox=known.mailbox,
            reason=known.parse_error or "",
            message_id=inbound.named_message(known),
            sender=sender,
        )

    async def _store_files(self, known: Understood, contents: Sequence[bytes]) -> list[Attachment]:
        account_id, stored = known.mail.account_id, []
        for number, (file, content) in enumerate(zip(known.body.files, contents, strict=True)):
            key = await content_key(account_id, "attachment", content)
            await self._blobs.put(key, content)
            stored.append(
                Attachment(
                    id=inbound.attachment_id(account_id, known.head, number, key),
                    name=file.name,
                    content_type=file.content_type,
                    size=file.size,
                    blob_key=key,
                    content_id=file.content_id,
                )
            )
        return stored

    def _bounces(self, mail: MailAccepted, head: MailHead) -> Sequence[MailBounced]:
        """What a report says of a mail that we signed; anything else anybody could have written."""
        reported = signed_by_us(self._signer, mail.account_id, head.report.reported_id) if head.report else None
        return () if reported is None else inbound.bounced(mail, head, reported)

    async def _own_mark(self, account_id: str, head: MailHead) -> AutomaticMark | None:
        """Set where we wrote the mail ourselves; anybody can copy our Message-ID, so the author must be us too."""
        if head.from_email is None or signed_by_us(self._signer, account_id, head.message_id) is None:
            return None
        author = await self._addresses.find(head.from_email)
        is_ours = author is not None and author.account_id == account_id
        return AutomaticMark("own", "signed_message_id") if is_ours else None
