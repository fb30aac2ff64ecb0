"""How long after its 250 a mail is a ticket that can be read: real SMTP into a `deskbus up` of its own.

Mails of a mixed corpus come at a steady rate, each from a customer of its own. The clock runs from the moment the door
has acknowledged until the ticket's first event is seen on `ticket-events-v1` from outside, which is after the ticket
was stored; sender and observer share one process beside the measured one.
"""

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from benchmarks.engine_sets import EngineSet
from benchmarks.mail_corpus import own_mails
from benchmarks.observing import observing
from benchmarks.steady_system import redis_url
from contracts.tickets import TicketCreated
from deskbus.demo.api import Api
from deskbus.demo.ledger import verdicts_of
from deskbus.demo.senders import MailSender
from end_to_end.process import DeskbusProcess

Tell = Callable[[str], None]

_CONNECTIONS = 4
_WARM_UP = 40
_WARM_UP_RATE = 20.0
_SEEN_WITHIN_SECONDS = 60.0
_LOOK_AGAIN_SECONDS = 0.05


@dataclass(slots=True)
class Sent:
    """When which mail was acknowledged, by Message-ID, and how late each was sent."""

    acknowledged: dict[str, float] = field(default_factory=dict)
    late_seconds: list[float] = field(default_factory=list)
    refused: int = 0


@dataclass(frozen=True, slots=True)
class VisibleRun:
    """Seconds from 250 to the ticket for each mail that became one."""

    rate: float
    sent: int
    refused: int
    waits: list[float]
    late_seconds: list[float]


async def measure_visible(engines: EngineSet, rate: float, seconds: float, tell: Tell) -> VisibleRun:
    """One system, warmed up, then that rate."""
    async with AsyncExitStack() as stack:
        fresh = await stack.enter_async_context(engines.fresh())
        system = DeskbusProcess(fresh.home / "up", log_level="WARNING")
        stack.callback(system.close)
        tell("starting")
        system.start()
        await asyncio.to_thread(system.wait_until_ready)
        created: dict[str, float] = {}
        async with observing(system.home, redis_url(fresh), "", TicketCreated, created):
            sent, entries = await _at_rate(system, rate, round(rate * seconds), created, tell)
        await asyncio.to_thread(system.stop)
    tickets = {one: entry["ticket_id"] for one, entry in entries.items() if entry["ticket_id"] in created}
    waits = [max(0.0, created[ticket] - sent.acknowledged[one]) for one, ticket in tickets.items()]
    return VisibleRun(rate, round(rate * seconds), sent.refused, waits, sent.late_seconds)


async def _at_rate(
    system: DeskbusProcess, rate: float, count: int, created: dict[str, float], tell: Tell
) -> tuple[Sent, dict[str, dict[str, Any]]]:
    """Warm up, then send so many; what was sent, and the ledger's entry of each mail."""
    owner = system.owner()
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(Api(owner["base_url"], owner["api_key"], timeout_seconds=30))
        doors = [
            await stack.enter_async_context(MailSender("127.0.0.1", system.smtp_port)) for _ in range(_CONNECTIONS)
        ]
        tell("warming up")
        await _sent(doors, owner["support_address"], _WARM_UP_RATE, _WARM_UP)
        await _seen(created, _WARM_UP)
        tell(f"{rate:g} mails a second, {count} of them")
        sent = await _sent(doors, owner["support_address"], rate, count)
        await _seen(created, _WARM_UP + len(sent.acknowledged))
        return sent, await verdicts_of(api, list(sent.acknowledged), seconds=_SEEN_WITHIN_SECONDS)


async def _sent(doors: Sequence[MailSender], support: str, rate: float, count: int) -> Sent:
    sent, run = Sent(), secrets.token_hex(4)
    mails = list(own_mails(count, run=run, recipient=support))
    began = time.monotonic()

    async def one(number: int) -> None:
        sent.late_seconds.append(time.monotonic() - began - number / rate)
        sender = f"c{number}.{run}@customers.example"
        try:
            await doors[number % len(doors)].send(sender, support, mails[number])
        except Exception:  # noqa: BLE001 - whatever the door answers is a result to be reported
            sent.refused += 1
        else:
            sent.acknowledged[f"{run}.{number}@bench.example"] = time.monotonic()

    async with asyncio.TaskGroup() as group:
        for number in range(count):
            await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
            group.create_task(one(number))
    return sent


async def _seen(created: dict[str, float], count: int) -> None:
    """Returns when so many tickets were seen; what is missing after a minute is missing in the figures."""
    deadline = time.monotonic() + _SEEN_WITHIN_SECONDS
    while len(created) < count and time.monotonic() < deadline:  # noqa: ASYNC110 - written from another task
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)
