"""Replies by SMS."""

from urllib.parse import urlencode

from contracts.outbound import OutboundMessageRequested
from contracts.settings import SmsSettings
from notifier.errors import Refused
from notifier.model import Delivery, ShortLink
from notifier.relay_answer import Handed
from notifier.short_links import code_of, links_of, shortened
from notifier.store import DeliveryStore
from notifier.twilio import TwilioAccount, TwilioGateway
from service_kit.clock import Clock
from service_kit.settings_copies import SettingsCopies


class SmsChannel:
    """Sends through the provider that the number belongs to."""

    tells_duplicates = False

    def __init__(
        self, gateway: TwilioGateway, store: DeliveryStore, settings: SettingsCopies, clock: Clock, *, origin: str
    ) -> None:
        self._gateway = gateway
        self._store = store
        self._settings = settings
        self._clock = clock
        self._origin = origin

    async def send(self, delivery: Delivery) -> Handed:
        """Hand the message over; the answer is the provider's id of it.

        Raises:
            TransientError: try again later.
            PermanentError: never; the provider refuses, or may not be called.
        """
        request = delivery.request
        settings = await self._settings.get(request.account_id, "sms", SmsSettings)
        number = settings.numbers.get(request.sender)
        if number is None or not number.auth_tokens:
            raise Refused(f"the number {request.sender or '(none)'} has no credentials in the settings `sms`")
        if not request.recipient.phone:
            raise Refused("the message names no phone number")
        text = await self._shortened(request) if settings.link_shortening else request.text
        base_url = str(settings.api_base_url) if settings.api_base_url else None
        account = TwilioAccount(number.account_sid, number.auth_tokens[0], base_url)
        status_url = self._status_url(request)
        return Handed(await self._gateway.send(account, request.sender, request.recipient.phone, text, status_url))

    async def _shortened(self, request: OutboundMessageRequested) -> str:
        links = links_of(request.text)
        codes = [code_of(request.message_id, place) for place in range(len(links))]
        now = self._clock.now()
        known = [
            ShortLink(id=code, account_id=request.account_id, url=link, created_at=now)
            for code, link in zip(codes, links, strict=True)
        ]
        if known:
            await self._store.add_links(known)
        return shortened(request.text, links, [f"{self._origin}/s/{code}" for code in codes])

    def _status_url(self, request: OutboundMessageRequested) -> str:
        names = {"message": request.message_id} | ({"ticket": request.ticket_id} if request.ticket_id else {})
        return f"{self._origin}/v1/sms/twilio/status?{urlencode(names)}"
