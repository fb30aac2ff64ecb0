"""Steady rates: real mail, webhooks and websockets into a whole Deskbus, until an agent has each message.

Every message opens a ticket of a customer of its own, the dearest path. The clock runs from the moment the door has
acknowledged until the assignment is seen on `ticket-events-v1` from outside; sender and observer share one process
beside what is measured.
"""

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence, Sized
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from benchmarks.engine_sets import EngineSet
from benchmarks.figures import Steady, percentile
from benchmarks.observing import observing
from benchmarks.steady_system import SteadySystem, cpu_seconds, redis_url, steady_system
from contracts.tickets import TicketAssigned
from deskbus.demo.api import Api
from deskbus.demo.ledger import verdicts_of
from deskbus.demo.seed import go_online, seed
from deskbus.demo.senders import ChatVisitor, MailSender, TwilioSender

_MIX = ("mail", "mail", "mail", "mail", "mail", "sms", "sms", "sms", "chat", "chat")
_SMTP_CONNECTIONS = 4
_WARM_UP = 40
_CONNECTIONS_PER_MINUTE = "100000"
"""All visitors come from one address here."""
_SEEN_WITHIN_SECONDS = 60.0


@dataclass(slots=True)
class _Doors:
    """How customers reach the system; a visitor's websocket is open before the first message is sent."""

    support_address: str
    number: str
    mails: Sequence[MailSender]
    twilio: TwilioSender
    visitors: list[ChatVisitor]
    run: str = field(default_factory=lambda: secrets.token_hex(4))

    async def send(self, index: int) -> str:
        """One message; returns its provider's id when it is acknowledged."""
        match _MIX[index % len(_MIX)]:
            case "mail":
                return await self._mail(index)
            case "sms":
                sid = f"SM{self.run}{index:024d}"
                sender = f"+1303{int(self.run, 16) % 1000:03d}{index:04d}"
                answer = await self.twilio.send(sid, sender, self.number, f"Question {index}, please answer")
                answer.raise_for_status()
                return sid
            case _:
                visitor = self.visitors.pop()
                await visitor.send(self.run, f"Question {index}, please answer")
                return f"{visitor.conversation_id}/{self.run}"

    async def _mail(self, index: int) -> str:
        message_id = f"{self.run}.{index}@bench.example"
        sender = f"c{index}.{self.run}@customers.example"
        lines = (
            f"From: {sender}",
            f"To: {self.support_address}",
            f"Subject: Question {index}",
            f"Message-ID: <{message_id}>",
            "",
            *(f"Line {line} of question {index}, which somebody will have to read." for line in range(8)),
        )
        await self.mails[index % len(self.mails)].send(sender, self.support_address, "\r\n".join(lines).encode())
        return message_id


@dataclass(slots=True)
class _Sent:
    """When which message was acknowledged, and how long that took; how late each was sent."""

    acknowledged: dict[str, float] = field(default_factory=dict)
    accept_seconds: list[float] = field(default_factory=list)
    late_seconds: list[float] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


async def measure_steady(
    engines: EngineSet, rates: Sequence[float], seconds: float, *, tell: Callable[[str], None]
) -> list[Steady]:
    """One system, one rate after the other."""
    async with AsyncExitStack() as stack:
        fresh = await stack.enter_async_context(engines.fresh())
        system = steady_system(fresh, log_level="WARNING")
        system.environment["WEBCHAT_CONNECTIONS_PER_MINUTE"] = _CONNECTIONS_PER_MINUTE
        stack.callback(system.close)
        tell("starting")
        await asyncio.to_thread(system.start)
        await asyncio.to_thread(system.wait_until_ready)
        assigned: dict[str, float] = {}
        await stack.enter_async_context(
            observing(fresh.home, redis_url(fresh), fresh.bus_url, TicketAssigned, assigned)
        )
        owner = system.owner()
        api = await stack.enter_async_context(Api(owner["base_url"], owner["api_key"], timeout_seconds=30))
        seeded = await seed(api)
        await go_online(owner["base_url"], seeded)
        rows = []
        for rate in (None, *rates):
            count = _WARM_UP if rate is None else round(rate * seconds)
            tell("warming up" if rate is None else f"{rate:g} messages a second for {seconds:g} s")
            async with AsyncExitStack() as doors_open:
                doors = await _open_doors(doors_open, system, owner, seeded.number, seeded.auth_token, count)
                row = await _at_rate(engines.name, system, api, doors, rate or 20.0, count, assigned)
            if rate is not None:
                rows.append(row)
        await asyncio.to_thread(system.stop)
        return rows


async def _at_rate(
    name: str, system: SteadySystem, api: Api, doors: _Doors, rate: float, count: int, assigned: dict[str, float]
) -> Steady:
    cpu_before, assigned_before = cpu_seconds(system), len(assigned)
    sent = await _send(doors, rate, count)
    await _seen(assigned, assigned_before + len(sent.acknowledged))
    cpu = cpu_seconds(system) - cpu_before
    entries = await verdicts_of(api, list(sent.acknowledged), seconds=_SEEN_WITHIN_SECONDS)
    tickets = {one: entry["ticket_id"] for one, entry in entries.items() if entry["ticket_id"]}
    waits = [
        max(0.0, assigned[ticket] - sent.acknowledged[one]) for one, ticket in tickets.items() if ticket in assigned
    ]
    if not waits:
        return Steady(engines=name, rate=rate, sent=count, not_measured="; ".join(sent.refused[:3]) or "none assigned")
    return Steady(
        engines=name,
        rate=rate,
        sent=count,
        assigned=len(waits),
        refused=len(sent.refused),
        p50_ms=percentile(waits, 50) * 1000,
        p99_ms=percentile(waits, 99) * 1000,
        accept_p99_ms=percentile(sent.accept_seconds, 99) * 1000,
        late_p99_ms=percentile(sent.late_seconds, 99) * 1000,
        cpu_micros=cpu / count * 1e6,
    )


async def _seen(assigned: Sized, count: int) -> None:
    """Returns when so many tickets are assigned; what is missing after a minute is missing in the figures."""
    deadline = time.monotonic() + _SEEN_WITHIN_SECONDS
    while True:
        if len(assigned) >= count or time.monotonic() > deadline:
            return
        await asyncio.sleep(0.05)


async def _send(doors: _Doors, rate: float, count: int) -> _Sent:
    sent = _Sent()
    began = time.monotonic()

    async def one(index: int) -> None:
        started = time.monotonic()
        sent.late_seconds.append(started - began - index / rate)
        try:
            provider_id = await doors.send(index)
        except Exception as error:  # noqa: BLE001 - whatever a door answers is a result to be reported
            sent.refused.append(f"{type(error).__name__} {error}"[:120])
        else:
            sent.acknowledged[provider_id] = time.monotonic()
            sent.accept_seconds.append(time.monotonic() - started)

    async with asyncio.TaskGroup() as group:
        for index in range(count):
            await asyncio.sleep(max(0.0, began + index / rate - time.monotonic()))
            group.create_task(one(index))
    return sent


async def _open_doors(
    stack: AsyncExitStack, system: SteadySystem, owner: dict[str, str], number: str, token: str, count: int
) -> _Doors:
    mails = [
        await stack.enter_async_context(MailSender("127.0.0.1", system.smtp_port)) for _ in range(_SMTP_CONNECTIONS)
    ]
    twilio = await stack.enter_async_context(TwilioSender(owner["base_url"], token))
    chats = sum(_MIX[index % len(_MIX)] == "chat" for index in range(count))
    visitors = [
        await stack.enter_async_context(ChatVisitor(owner["base_url"], owner["account_id"])) for _ in range(chats)
    ]
    return _Doors(owner["support_address"], number, mails, twilio, visitors)
