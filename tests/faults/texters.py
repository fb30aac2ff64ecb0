"""People who each write one text, many at the same moment and in no order: every one of them makes a ticket."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random

from deskbus.demo.senders import TwilioSender
from faults.cast import NUMBER
from faults.history import History
from faults.site import Site
from faults.sms_customer import SmsCustomer
from faults.world import AUTH_TOKEN
from service_kit.testing.eventually import eventually

LARGEST_BURST = 40
_CATCH_UP_SECONDS = 120.0
_FIRST_PHONE = 12_025_550_000


def phone(place: int) -> str:
    """The number of the person at that place."""
    return f"+{_FIRST_PHONE + place}"


class Texters:
    """People by their places, from the first on; nobody writes twice."""

    def __init__(self, twilio: TwilioSender, history: History, chance: Random) -> None:
        self._twilio = twilio
        self._history = history
        self._chance = chance
        self.written = 0

    async def write(self, many: int, may_go_on: Callable[[], bool]) -> None:
        """So many of the next people write in bursts; each burst waits until it `may_go_on`."""
        places = list(range(self.written, self.written + many))
        self._chance.shuffle(places)
        while places:
            size = self._chance.randint(1, LARGEST_BURST)
            burst, places = places[:size], places[size:]
            self.written += len(burst)
            await asyncio.gather(*(self._texter(place).write() for place in burst))
            await eventually(may_go_on, _CATCH_UP_SECONDS)

    def _texter(self, place: int) -> SmsCustomer:
        chance = Random(self._chance.getrandbits(64))  # noqa: S311 - reproducible
        return SmsCustomer(phone(place), NUMBER, self._twilio, self._history, chance)


@asynccontextmanager
async def texters(site: Site, history: History, chance: Random) -> AsyncIterator[Texters]:
    """People who text to the account's number."""
    async with TwilioSender(site.base_url, AUTH_TOKEN) as twilio:
        yield Texters(twilio, history, chance)
