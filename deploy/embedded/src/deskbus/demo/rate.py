"""Mixed traffic at a steady rate against a running system, and the reckoning afterwards."""

import asyncio
import secrets
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from statistics import quantiles

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from deskbus.demo.api import Api
from deskbus.demo.journey import Target
from deskbus.demo.ledger import verdicts_of
from deskbus.demo.seed import Seeded
from deskbus.demo.senders import ChatVisitor, MailSender, TwilioSender

_CUSTOMERS = 40
_VISITORS = 10
_MIX = ("mail", "mail", "mail", "mail", "mail", "sms", "sms", "sms", "chat", "chat")


@dataclass(slots=True)
class Traffic:
    """The open connections of the customers, and what was accepted from them so far."""

    target: Target
    seeded: Seeded
    mail: MailSender
    twilio: TwilioSender
    visitors: Sequence[ChatVisitor]
    run: str = field(default_factory=lambda: secrets.token_hex(4))
    accepted: list[str] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)

    async def send(self, index: int) -> None:
        """One message by the channel whose turn it is; refusals are counted, never hidden."""
        kind = _MIX[index % len(_MIX)]
        started = asyncio.get_running_loop().time()
        try:
            self.accepted.append(await self._send_by(kind, index))
        except Exception as error:  # noqa: BLE001 - whatever a door answers is a result to be reported
            self.refused[f"{kind}: {type(error).__name__} {error}"[:120]] += 1
        else:
            self.latencies.append(asyncio.get_running_loop().time() - started)

    async def _send_by(self, kind: str, index: int) -> str:
        if kind == "mail":
            return await self._mail(index)
        return await (self._sms(index) if kind == "sms" else self._chat(index))

    async def _mail(self, index: int) -> str:
        sender = f"customer{index % _CUSTOMERS}@rate.example"
        message_id = f"{self.run}.{index}@rate.example"
        lines = (
            f"From: {sender}",
            f"To: {self.target.support_address}",
            f"Subject: Question {index}",
            f"Date: {format_datetime(datetime.now(UTC))}",
            f"Message-ID: <{message_id}>",
            "",
            f"This is message {index}.",
            "",
        )
        await self.mail.send(sender, self.target.support_address, "\r\n".join(lines).encode())
        return message_id

    async def _sms(self, index: int) -> str:
        message_sid = f"SM{self.run}{index:024d}"
        sender = f"+1202555{1000 + index % _CUSTOMERS}"
        (await self.twilio.send(message_sid, sender, self.seeded.number, f"Question {index}")).raise_for_status()
        return message_sid

    async def _chat(self, index: int) -> str:
        visitor = self.visitors[(index // 10) % len(self.visitors)]
        client_id = f"{self.run}-{index}"
        await visitor.send(client_id, f"Question {index}")
        return f"{visitor.conversation_id}/{client_id}"


async def run_at_rate(
    console: Console, target: Target, owner: Api, seeded: Seeded, *, rate: float, seconds: float
) -> bool:
    """Send `rate` messages a second for `seconds`, then account for each; True when every one has a verdict."""
    total = max(1, round(rate * seconds))
    async with AsyncExitStack() as stack:
        mail = await stack.enter_async_context(MailSender(target.smtp_host, target.smtp_port))
        twilio = await stack.enter_async_context(TwilioSender(target.base_url, seeded.auth_token))
        visitors = [
            await stack.enter_async_context(ChatVisitor(target.base_url, target.account_id)) for _ in range(_VISITORS)
        ]
        traffic = Traffic(target, seeded, mail, twilio, visitors)
        await _pace(console, traffic, total, rate)
        console.print("Waiting for the verdicts …")
        entries = await verdicts_of(owner, traffic.accepted, seconds=max(15.0, seconds))
    _report(console, traffic, total, Counter(entry["verdict"] for entry in entries.values()))
    return len(entries) == len(traffic.accepted) == total


async def _pace(console: Console, traffic: Traffic, total: int, rate: float) -> None:
    columns = (TextColumn("sending"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    loop = asyncio.get_running_loop()
    started = loop.time()
    visitors: dict[int, asyncio.Task[None]] = {}
    tasks: set[asyncio.Task[None]] = set()
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("sending", total=total)
        for index in range(total):
            await asyncio.sleep(max(0.0, started + index / rate - loop.time()))
            task = asyncio.create_task(_after(visitors.get(index // 10 % _VISITORS), traffic, index))
            if _MIX[index % len(_MIX)] == "chat":
                visitors[index // 10 % _VISITORS] = task
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            task.add_done_callback(lambda _: progress.advance(bar))
        while tasks:
            await asyncio.wait(tasks)


async def _after(previous: asyncio.Task[None] | None, traffic: Traffic, index: int) -> None:
    """A visitor types one message after the other: a websocket has one reader."""
    if previous is not None and _MIX[index % len(_MIX)] == "chat":
        await asyncio.wait([previous])
    await traffic.send(index)


def _report(console: Console, traffic: Traffic, total: int, verdicts: Counter[str]) -> None:
    console.print(f"sent {total}, accepted {len(traffic.accepted)}, with a verdict {verdicts.total()}")
    for verdict, count in verdicts.most_common():
        console.print(f"  {verdict:<12} {count}")
    for reason, count in traffic.refused.most_common(5):
        console.print(f"  [red]refused[/red] {count} x {reason}")
    if len(traffic.latencies) > 1:
        cuts = quantiles(traffic.latencies, n=100)
        console.print(f"time until accepted: p50 {cuts[49] * 1000:.0f} ms, p99 {cuts[98] * 1000:.0f} ms")
