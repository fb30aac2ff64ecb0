"""A provider's call on its way in: read, matched with an account, proven, and taken like any other mail."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

import structlog

from ingest_email.acceptance import Acceptance, OfferedMail, Target
from ingest_email.address_book import AddressBook
from ingest_email.arriving import whole_body
from ingest_email.errors import MailTooLarge
from ingest_email.mail_memory import MailMemory
from ingest_email.metrics import MailMetrics
from ingest_email.parsing.headers import bare_address
from ingest_email.settings import IngestEmailSettings
from ingest_email.webhooks import webhook_answers as answers
from ingest_email.webhooks.provider import MalformedCallError, ProvidedMail, Provider, RawMailMissingError, WebhookCall
from ingest_email.webhooks.used_tokens import UsedTokens
from service_kit.clock import Clock
from service_kit.errors import TransientError
from service_kit.http.problems import Problem

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class OpenCall:
    """A call whose body is still to come."""

    headers: Mapping[str, str]
    body: AsyncIterator[bytes]
    source: str


class Webhooks:
    """One door for all providers."""

    def __init__(
        self,
        acceptance: Acceptance,
        addresses: AddressBook,
        tokens: UsedTokens,
        clock: Clock,
        metrics: MailMetrics,
        settings: IngestEmailSettings,
    ) -> None:
        self._acceptance = acceptance
        self._addresses = addresses
        self._tokens = tokens
        self._clock = clock
        self._metrics = metrics
        self._settings = settings
        self._memory = MailMemory(settings.webhook_memory_bytes)

    async def take(self, provider: Provider, call: OpenCall) -> Sequence[str]:
        """The ids of the deliveries, once the mail is stored and announced (I3).

        Raises:
            Problem: the mail was not taken; the status says whether to come again with it.
            Unavailable: come again; every provider does so at a 503.
        """
        outcome = "failed"
        try:
            deliveries = await self._take(provider, call)
            outcome = "accepted"
        except Problem as problem:
            outcome = problem.code
            raise
        except TransientError:
            outcome = "unavailable"
            raise
        finally:
            self._metrics.webhooks.labels(provider.name, outcome).inc()
        log.info("mail_accepted", delivery_ids=list(deliveries), via=provider.name)
        return deliveries

    async def _take(self, provider: Provider, call: OpenCall) -> Sequence[str]:
        limit, seconds = self._settings.webhook_size_limit_bytes, self._settings.webhook_timeout_seconds
        try:
            async with whole_body(call.body, self._memory, limit_bytes=limit, seconds=seconds) as body:
                whole = WebhookCall(call.headers, body, call.source, self._clock.now())
                return await self._accept(provider, whole)
        except MailTooLarge as error:
            raise answers.too_large(provider, error.limit_bytes) from error

    async def _accept(self, provider: Provider, call: WebhookCall) -> Sequence[str]:
        mail = await self._read(provider, call)
        targets = await self._targets(provider, mail)
        if mail.token is not None and not await self._tokens.claim(mail.token, mail.content):
            raise answers.token_reused(provider)
        offered = OfferedMail(
            content=mail.content,
            envelope_sender=mail.envelope_sender,
            targets=targets,
            via=provider.name,
            peer=call.source,
        )
        return await self._acceptance.accept(offered)

    async def _read(self, provider: Provider, call: WebhookCall) -> ProvidedMail:
        try:
            # Beside the event loop, which a large form would hold up.
            mail = await asyncio.to_thread(provider.read, call)
        except MalformedCallError as error:
            raise answers.malformed_call(provider, str(error)) from error
        except RawMailMissingError as error:
            raise answers.raw_mail_missing(provider, str(error)) from error
        if not mail.content or len(mail.recipients) > self._settings.recipients_max:
            raise answers.malformed_call(provider, "the mail is empty or has too many recipients")
        if len(mail.content) > self._settings.mail_size_limit_bytes:
            raise MailTooLarge(self._settings.mail_size_limit_bytes)
        return mail

    async def _targets(self, provider: Provider, mail: ProvidedMail) -> tuple[Target, ...]:
        """The recipients that this call may hand mail to; two ways to write one address are one delivery."""
        known: dict[tuple[str, str], Target] = {}
        for recipient in filter(None, map(bare_address, mail.recipients)):
            inbox = await self._addresses.find(recipient)
            if inbox is not None and ((key := (inbox.account_id, inbox.address)) not in known or inbox.tag is not None):
                known[key] = Target(inbox.account_id, recipient)
        if not known:
            raise answers.unknown_recipient(provider)
        accounts = sorted({target.account_id for target in known.values()})
        proven = [account_id for account_id in accounts if await self._is_proven(mail, account_id)]
        if len(proven) < len(accounts):
            unproven = [account_id for account_id in accounts if account_id not in proven]
            log.warning("mail_not_proven", via=provider.name, account_ids=unproven)
        if not proven:
            raise answers.bad_credentials(provider)
        return tuple(target for target in known.values() if target.account_id in proven)

    async def _is_proven(self, mail: ProvidedMail, account_id: str) -> bool:
        settings = await self._addresses.area.get(account_id)
        return await asyncio.to_thread(mail.is_proven, settings)
