"""Accepting mail: our SMTP door against a bare aiosmtpd handler that writes and syncs the same bytes, in turn.

Each is a process of its own that this one sends mail to over a few connections, as a relay does: the next mail of a
connection when the one before has its 250. Ours stores the mail, announces it on the bus, and then answers; the bare
one stores it by the same code. Nothing is parsed meanwhile: that happens later, wherever there is time for it, and has
its own figures.
"""

import asyncio
import json
import secrets
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from benchmarks.engine_sets import EngineSet
from benchmarks.mail_child import Mode, Orders
from benchmarks.mail_corpus import own_mails

Tell = Callable[[str], None]

SUPPORT = "support@bench.example"
_CONNECTIONS = 10
_WARM_UP = 50
_READY_WITHIN_SECONDS = 120.0
_ANSWER_BYTES = 4096


@dataclass(frozen=True, slots=True)
class AcceptRun:
    """One run: mails a second, and the processor time of the accepting process for one of them."""

    mode: Mode
    per_second: float
    cpu_micros: float


async def measure_accepting(engines: EngineSet, mails: int, repeats: int, tell: Tell) -> list[AcceptRun]:
    """Both, in turn, each on engines that hold nothing."""
    runs = []
    for number in range(repeats):
        for mode in ("door", "bare") if number % 2 == 0 else ("bare", "door"):
            tell(f"accepting, {mode}, {number + 1} of {repeats}")
            runs.append(await _run(engines, mode, mails))
    return runs


async def _run(engines: EngineSet, mode: Mode, count: int) -> AcceptRun:
    run = secrets.token_hex(4)
    mails = list(own_mails(_WARM_UP + count, run=run, recipient=SUPPORT))
    async with AsyncExitStack() as stack:
        fresh = await stack.enter_async_context(engines.fresh())
        orders = Orders(mode=mode, home=fresh.home, redis_url=fresh.redis_url, address=SUPPORT)
        child = await stack.enter_async_context(_accepting(orders))
        await _send_all(child.port, mails[:_WARM_UP])
        cpu_before, began = await child.cpu_seconds(), time.monotonic()
        await _send_all(child.port, mails[_WARM_UP:])
        seconds = time.monotonic() - began
        cpu = await child.cpu_seconds() - cpu_before
    return AcceptRun(mode, count / seconds, cpu / count * 1e6)


@dataclass(frozen=True, slots=True)
class _Accepting:
    """The process that takes mail at a port."""

    process: asyncio.subprocess.Process
    port: int

    async def cpu_seconds(self) -> float:
        """What it has used so far."""
        if self.process.stdin is None:
            raise RuntimeError("a child's input must be piped")
        self.process.stdin.write(b"cpu\n")
        await self.process.stdin.drain()
        return float((await _said(self.process))["cpu_seconds"])


@asynccontextmanager
async def _accepting(orders: Orders) -> AsyncIterator[_Accepting]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.mail_child",
        orders.model_dump_json(),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(_READY_WITHIN_SECONDS):
            port = int((await _said(process))["port"])
        yield _Accepting(process, port)
        if process.stdin is not None:
            process.stdin.close()
        if await process.wait() != 0:
            raise RuntimeError(f"a measured process ended with {process.returncode}; what it said is above")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _said(process: asyncio.subprocess.Process) -> dict[str, float]:
    if process.stdout is None:
        raise RuntimeError("a child's output must be piped")
    line = await process.stdout.readline()
    if not line:
        raise RuntimeError("a measured process ended early; what it said is above")
    said: dict[str, float] = json.loads(line)
    return said


async def _send_all(port: int, mails: Sequence[bytes]) -> None:
    """Every mail once, over as many connections as take part."""
    await asyncio.gather(*(_send(port, mails[place::_CONNECTIONS]) for place in range(_CONNECTIONS)))


async def _send(port: int, mails: Sequence[bytes]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        await _answered(reader, b"220")
        await _ask(reader, writer, b"EHLO bench.example\r\n", b"250")
        for mail in mails:
            await _ask(reader, writer, b"MAIL FROM:<customer@customers.example>\r\n", b"250")
            await _ask(reader, writer, f"RCPT TO:<{SUPPORT}>\r\n".encode(), b"250")
            await _ask(reader, writer, b"DATA\r\n", b"354")
            await _ask(reader, writer, mail.replace(b"\r\n.", b"\r\n..") + b"\r\n.\r\n", b"250")
        await _ask(reader, writer, b"QUIT\r\n", b"221")
    finally:
        writer.close()


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, words: bytes, expected: bytes) -> None:
    writer.write(words)
    await _answered(reader, expected)


async def _answered(reader: asyncio.StreamReader, expected: bytes) -> None:
    """The answer's last line, which has no dash behind the code; any other than expected spoils the measurement."""
    while (line := await reader.readline())[3:4] == b"-":
        pass
    if not line.startswith(expected):
        raise RuntimeError(f"expected {expected!r}, was told {line[:_ANSWER_BYTES]!r}")
