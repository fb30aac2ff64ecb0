"""Replies by mail."""

import asyncio

from contracts.outbound import OutboundMessageRequested
from contracts.settings import EmailSettings, SupportAddress
from notifier.bounce import refusal
from notifier.errors import Refused
from notifier.mail import compose_mail, is_automatic
from notifier.mail_gateway import MailGateway
from notifier.suppression_store import SuppressionStore
from notifier.unsubscribe import UnsubscribeLinks
from service_kit.blobs import BlobMissing, Blobs
from service_kit.settings_copies import SettingsCopies


class MailChannel:
    """Composes a mail with the account's settings and hands it to the gateway."""

    def __init__(
        self,
        gateway: MailGateway,
        settings: SettingsCopies,
        blobs: Blobs,
        suppressions: SuppressionStore,
        links: UnsubscribeLinks,
    ) -> None:
        self._gateway = gateway
        self._settings = settings
        self._blobs = blobs
        self._suppressions = suppressions
        self._links = links

    @property
    def tells_duplicates(self) -> bool:
        """Whether a repeated mail is known to be one."""
        return self._gateway.tells_duplicates

    async def send(self, request: OutboundMessageRequested) -> str:
        """The gateway's word for it.

        Raises:
            Deferred: try again later.
            Refused: never.
        """
        if not request.recipient.email or not request.sender:
            raise Refused("the message names no recipient or no address of ours")
        cc = request.mail.cc if request.mail else ()
        suppressed = await self._suppressions.among(request.account_id, {request.recipient.email, *cc})
        if request.recipient.email in suppressed:
            raise Refused(refusal(suppressed[request.recipient.email]))
        automatic = is_automatic(request)
        if automatic and await self._suppressions.has_declined(request.account_id, request.recipient.email):
            raise Refused(f"{request.recipient.email} wants no automatic mail")
        link = self._links.link_of(request.message_id) if automatic else None
        settings = await self._settings.get(request.account_id, "email", EmailSettings)
        try:
            attachments = [(one, await self._blobs.get(one.blob_key)) for one in request.attachments]
            address = settings.addresses.get(request.sender, SupportAddress())
            # Beside the event loop, which large files and HTML would hold up.
            mail = await asyncio.to_thread(compose_mail, request, address, attachments, request.time, link)
        except BlobMissing as error:
            raise Refused(f"an attachment is gone: {error}") from error
        except ValueError as error:
            raise Refused(f"not a valid address: {error}") from error
        reached = [address for address in cc if address not in suppressed]
        return await self._gateway.send(mail, request.sender, [request.recipient.email, *reached])
