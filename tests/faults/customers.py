"""The crowd outside: customers of every channel who write at the same time, each in their own order."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from random import Random
from typing import Protocol, Self

from deskbus.demo.senders import TwilioSender
from faults.budget import Budget
from faults.cast import Cast
from faults.chat_customer import ChatCustomer
from faults.history import History
from faults.mail_customer import MailCustomer
from faults.site import Site
from faults.sms_customer import SmsCustomer
from faults.widget import Widget
from faults.world import AUTH_TOKEN, World


class Customer(Protocol):
    """Somebody who writes one message after the other."""

    async def write(self) -> None:
        """One more message, until it is acknowledged."""

    async def leave(self) -> None:
        """Close what is open."""


class Crowd:
    """Half of them write mail, three in ten text, and two in ten chat."""

    def __init__(self, site: Site, world: World, cast: Cast, history: History, chance: Random, size: int) -> None:
        self._chance = chance
        self._twilio = TwilioSender(site.base_url, AUTH_TOKEN)
        texters = max(1, 3 * size // 10)
        chatters = max(1, 2 * size // 10)
        writers = max(1, size - texters - chatters)
        self.visitors: Sequence[ChatCustomer] = [
            ChatCustomer(f"visitor {place}", Widget(site.base_url, cast.account_id), history, self._luck())
            for place in range(chatters)
        ]
        self._customers: Sequence[Customer] = [
            *(
                MailCustomer(
                    f"customer{place}@faults.example",
                    cast.support_address,
                    site.smtp_port,
                    world.mail,
                    history,
                    self._luck(),
                )
                for place in range(writers)
            ),
            *(SmsCustomer(phone, cast.number, self._twilio, history, self._luck()) for phone in cast.phones[:texters]),
            *self.visitors,
        ]

    @property
    def size(self) -> int:
        """How many they are."""
        return len(self._customers)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        async with AsyncExitStack() as stack:
            stack.push_async_exit(self._twilio)
            for customer in self._customers:
                stack.push_async_callback(customer.leave)

    async def write(self, budget: Budget, pause_seconds: float = 0.0) -> None:
        """All write as long as the budget lasts, with a pause after each message."""
        async with asyncio.TaskGroup() as group:
            for customer in self._customers:
                group.create_task(self._write(customer, budget, pause_seconds))

    async def _write(self, customer: Customer, budget: Budget, pause_seconds: float) -> None:
        while budget.take():
            await customer.write()
            await asyncio.sleep(pause_seconds * (0.5 + self._chance.random()))

    def _luck(self) -> Random:
        """A source of chance of one's own, so that nobody's choices depend on who was faster."""
        return Random(self._chance.getrandbits(64))  # noqa: S311 - reproducible on purpose
