"""Replies by mail."""

import asyncio
from dataclasses import replace
from email.message import EmailMessage

from contracts.outbound import OutboundMessageRequested
from contracts.settings import EmailSettings, SupportAddress
from notifier.bounce import is_refused_for_good, refusal
from notifier.copies import waiting
from notifier.errors import Deferred, Refused
from notifier.forwarding_checks import ForwardingChecks
from notifier.mail import compose_mail, is_automatic, without_reply_address
from notifier.mail_gateway import MailGateway
from notifier.model import Delivery, Suppression
from notifier.relay_answer import Handed
from notifier.suppression_store import SuppressionStore, suppression_id
from notifier.unsubscribe import UnsubscribeLinks
from service_kit.blobs import BlobMissing, Blobs
from service_kit.clock import Clock
from service_kit.errors import TransientError
from service_kit.settings_copies import SettingsCopies


class MailChannel:
    """Composes a mail with the account's settings and hands it to the gateway, for whoever does not have it yet."""

    def __init__(
        self,
        gateway: MailGateway,
        settings: SettingsCopies,
        blobs: Blobs,
        suppressions: SuppressionStore,
        links: UnsubscribeLinks,
        checks: ForwardingChecks,
        clock: Clock,
    ) -> None:
        self._gateway = gateway
        self._settings = settings
        self._blobs = blobs
        self._suppressions = suppressions
        self._links = links
        self._checks = checks
        self._clock = clock

    @property
    def tells_duplicates(self) -> bool:
        """Whether a repeated mail is known to be one."""
        return self._gateway.tells_duplicates

    async def send(self, delivery: Delivery) -> Handed:
        """What the gateway said of each recipient; addresses that are no more are suppressed from now on (X7).

        Raises:
            Deferred: try again later.
            Refused: never.
        """
        recipients, left_out = await self._recipients(delivery)
        if not recipients:
            return Handed("", left_out=left_out)
        mail = await self._composed(delivery.request)
        handed = await self._gateway.send(mail, delivery.request.sender, recipients)
        try:
            await self._suppress(delivery, handed)
        except TransientError as error:  # what the relay said is forgotten; whom it took the mail for gets it again
            raise Deferred(str(error), in_doubt=len(handed.refused) < len(recipients)) from error
        return replace(handed, left_out=left_out)

    async def _recipients(self, delivery: Delivery) -> tuple[list[str], dict[str, str]]:
        """Who is to get it now, and who in copy is not because they are suppressed."""
        request = delivery.request
        if not request.recipient.email or not request.sender:
            raise Refused("the message names no recipient or no address of ours")
        customer = [] if delivery.is_told else [request.recipient.email]
        copies = waiting(delivery)
        suppressed = await self._suppressions.among(request.account_id, {*customer, *copies})
        for address in customer:
            if address in suppressed:
                raise Refused(refusal(suppressed[address]))
            if is_automatic(request) and await self._suppressions.has_declined(request.account_id, address):
                raise Refused(f"{address} wants no automatic mail")
        left_out = {address: refusal(suppressed[address]) for address in copies if address in suppressed}
        return [*customer, *(address for address in copies if address not in suppressed)], left_out

    async def _composed(self, request: OutboundMessageRequested) -> EmailMessage:
        link = self._links.link_of(request.message_id) if is_automatic(request) else None
        settings = await self._settings.get(request.account_id, "email", EmailSettings)
        if await self._checks.drops_tags(request.account_id, request.sender):
            request = without_reply_address(request)
        try:
            attachments = [(one, await self._blobs.get(one.blob_key)) for one in request.attachments]
            address = settings.addresses.get(request.sender, SupportAddress())
            # Beside the event loop, which large files and HTML would hold up.
            return await asyncio.to_thread(compose_mail, request, address, attachments, request.time, link)
        except BlobMissing as error:
            raise Refused(f"an attachment is gone: {error}") from error
        except ValueError as error:
            raise Refused(f"not a valid address: {error}") from error

    async def _suppress(self, delivery: Delivery, handed: Handed) -> None:
        for address, answer in handed.refused.items():
            if is_refused_for_good(answer):
                await self._suppressions.add(
                    Suppression(
                        id=suppression_id(delivery.account_id, address),
                        account_id=delivery.account_id,
                        address=address.lower(),
                        reason=f"refused: {answer}",
                        message_id=delivery.message_id,
                        ticket_id=delivery.ticket_id,
                        created_at=self._clock.now(),
                    )
                )
