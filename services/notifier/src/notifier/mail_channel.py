"""Replies by mail."""

from contracts.outbound import OutboundMessageRequested
from contracts.settings import EmailSettings, SupportAddress
from notifier.errors import Refused
from notifier.mail import compose_mail
from notifier.mail_gateway import MailGateway
from service_kit.blobs import BlobMissing, Blobs
from service_kit.settings_copies import SettingsCopies


class MailChannel:
    """Composes a mail with the account's settings and hands it to the gateway."""

    def __init__(self, gateway: MailGateway, settings: SettingsCopies, blobs: Blobs) -> None:
        self._gateway = gateway
        self._settings = settings
        self._blobs = blobs

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
        settings = await self._settings.get(request.account_id, "email", EmailSettings)
        try:
            attachments = [(one, await self._blobs.get(one.blob_key)) for one in request.attachments]
            mail = compose_mail(
                request, settings.addresses.get(request.sender, SupportAddress()), attachments, request.time
            )
        except BlobMissing as error:
            raise Refused(f"an attachment is gone: {error}") from error
        except ValueError as error:
            raise Refused(f"not a valid address: {error}") from error
        cc = request.mail.cc if request.mail else ()
        return await self._gateway.send(mail, request.sender, [request.recipient.email, *cc])
