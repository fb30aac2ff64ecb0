"""Customers who text. Twilio calls the webhook again, with the same SID, until it gets a 2xx."""

from random import Random

import httpx

from deskbus.demo.senders import TwilioSender
from faults.history import History, Inbound
from faults.patience import Patience

_BUSY = frozenset({429, 500, 502, 503, 504})
_TWICE = 0.1


class SmsCustomer:
    """One phone. Each text waits until the one before was accepted."""

    def __init__(self, phone: str, number: str, twilio: TwilioSender, history: History, chance: Random) -> None:
        self._phone = phone
        self._number = number
        self._twilio = twilio
        self._history = history
        self._chance = chance
        self._sent: list[Inbound] = []

    async def write(self) -> None:
        """One more text, until it is accepted; sometimes this one or an older one once again."""
        sid = f"SM{self._chance.getrandbits(128):032x}"
        marker = f"in{self._chance.getrandbits(64):016x}"
        message = Inbound("sms", self._phone, sid, marker, len(self._sent), self._phone)
        self._history.inbound.append(message)
        self._sent.append(message)
        await self._until_accepted(message)
        if self._chance.random() < _TWICE:
            await self._until_accepted(self._chance.choice(self._sent))

    async def leave(self) -> None:
        """Nothing stays open: the connection is Twilio's."""

    async def _until_accepted(self, message: Inbound) -> None:
        patience = Patience(self._chance)
        while True:
            message.attempts += 1
            text = f"My words are {message.marker}."
            try:
                answer = await self._twilio.send(message.provider_message_id, self._phone, self._number, text)
            except httpx.HTTPError:
                await patience.pause()
                continue
            if answer.is_success:
                message.acknowledged += 1
                return
            if answer.status_code not in _BUSY:
                self._history.refusals.append(f"SMS {message.provider_message_id}: {answer.status_code} {answer.text}")
                return
            await patience.pause()
