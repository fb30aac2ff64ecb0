"""Parser processes: what they survive, and that mail goes on."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ingest_email.errors import ParserUnavailable
from ingest_email.parsing.model import ParsedMail
from ingest_email.parsing.parser_pool import ParserPool
from ingest_email.parsing.parser_process import Unparsed
from service_kit.testing.eventually import eventually

GIB = 1024**3
HEAD = b"From: jane@customer.example\r\nMessage-ID: <1@customer.example>\r\n"
PLAIN = HEAD + b"\r\nHello\r\n"
STALLING = HEAD + b"Content-Type: text/html\r\n\r\n" + b"&" * 990_000
"""Takes the HTML cleaner many seconds, within every limit on size."""


@asynccontextmanager
async def pool(
    *, workers: int = 1, timeout_seconds: float = 20, memory_bytes: int = GIB, **more: int
) -> AsyncIterator[ParserPool]:
    """A pool that is ended whatever happens."""
    made = ParserPool(workers=workers, timeout_seconds=timeout_seconds, memory_bytes=memory_bytes, **more)
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


async def parse(parsers: ParserPool, raw: bytes) -> ParsedMail | Unparsed:
    """Parse a mail from nobody in particular."""
    return await parsers.parse(raw, envelope_sender="jane@customer.example")


def is_running(pid: int) -> bool:
    """Whether a process exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_start_does_not_wait_for_the_processes() -> None:
    """Readiness is not delayed: the processes start in the background, and parsing waits for them by itself."""
    parsers = ParserPool(workers=1, timeout_seconds=20, memory_bytes=GIB)
    began = time.monotonic()
    await parsers.start()
    took = time.monotonic() - began
    answer = await parse(parsers, PLAIN)
    await parsers.stop()

    assert took < 0.15
    assert isinstance(answer, ParsedMail)
    assert answer.body.text == "Hello"


async def test_files_come_back_whole(mail: Callable[[str], bytes]) -> None:
    """A mail with megabytes of attachment survives the way to the process and back."""
    encoded = b"QUFB" * 18 + b"\r\n"
    part = b"--b\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n" + encoded * 50_000
    raw = HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + part + b"--b--\r\n"

    async with pool() as parsers:
        answer = await parse(parsers, raw)
        small = await parse(parsers, mail("alternative_inline_image"))

    assert isinstance(answer, ParsedMail)
    assert answer.contents == (b"AAA" * 18 * 50_000,)
    assert isinstance(small, ParsedMail)
    assert small.contents[0].startswith(b"\x89PNG")


async def test_a_stalled_parser_is_killed_and_the_next_mail_parses() -> None:
    """A mail that takes too long costs its own parse and nobody else's (I6)."""
    async with pool(timeout_seconds=1) as parsers:
        await parse(parsers, PLAIN)
        [stalled] = parsers.pids
        answers = await asyncio.gather(parse(parsers, STALLING), parse(parsers, PLAIN))

    assert answers[0] == Unparsed("timeout")
    assert isinstance(answers[1], ParsedMail)
    assert not is_running(stalled)


async def test_a_parser_killed_in_mid_parse_costs_that_mail_only() -> None:
    """SIGKILL from outside (the kernel short of memory) ends one parse, and the next mail gets a new process (I6)."""
    async with pool() as parsers:
        await parse(parsers, PLAIN)
        stalled = asyncio.create_task(parse(parsers, STALLING))
        [pid] = parsers.pids
        await eventually(lambda: _is_busy(pid))
        os.kill(pid, signal.SIGKILL)
        answer = await stalled
        after = await parse(parsers, PLAIN)

    assert answer == Unparsed("crashed")
    assert isinstance(after, ParsedMail)


def _is_busy(pid: int) -> bool:
    """Whether a process is running on a processor now."""
    return _state(pid) == "R"


async def test_a_parser_killed_while_idle_is_replaced_unnoticed() -> None:
    """A process that died between two mails costs no mail at all."""
    async with pool() as parsers:
        await parse(parsers, PLAIN)
        [first] = parsers.pids
        os.kill(first, signal.SIGKILL)
        await eventually(lambda: parsers.pids == ())
        answer = await parse(parsers, PLAIN)

    assert isinstance(answer, ParsedMail)


async def test_a_process_that_parsed_many_mails_is_relieved_while_it_goes_on() -> None:
    """No mail waits for the start of the next process, which then takes its place for good; both end with the pool."""
    async with pool(mails_max=2) as parsers:
        answers = [await parse(parsers, PLAIN) for _ in range(3)]
        [worn] = parsers.pids

        async def is_relieved() -> bool:
            answers.append(await parse(parsers, PLAIN))
            return worn not in parsers.pids

        await eventually(is_relieved, seconds=20)
        [fresh] = parsers.pids
        answers += [await parse(parsers, PLAIN) for _ in range(3)]
        await eventually(lambda: not is_running(worn))

    assert all(isinstance(answer, ParsedMail) for answer in answers)
    assert fresh != worn
    assert not is_running(fresh)


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


async def test_memory_is_limited() -> None:
    """A mail that would take more memory than allowed is given up, the process is not lost."""
    async with pool(memory_bytes=256 * 1024**2) as parsers:
        answer = await parse(parsers, HEAD + b"\r\n" + b"ab\r\n" * 4_000_000)
        after = await parse(parsers, PLAIN)

    assert isinstance(answer, Unparsed)
    assert answer.reason in ("crashed", "unreadable:MemoryError")
    assert isinstance(after, ParsedMail)


async def test_parsers_ignore_ctrl_c() -> None:
    """SIGINT at the terminal reaches whole process groups; mails in flight are parsed all the same."""
    async with pool() as parsers:
        await parse(parsers, PLAIN)
        [pid] = parsers.pids
        os.kill(pid, signal.SIGINT)
        answer = await parse(parsers, PLAIN)
        same = parsers.pids

    assert isinstance(answer, ParsedMail)
    assert same == (pid,)
    assert os.getpgrp() != pid


async def test_a_cancelled_parse_does_not_answer_the_next_mail() -> None:
    """When its caller gave up, the process is replaced: a late answer must not be taken for another mail's."""
    async with pool() as parsers:
        await parse(parsers, PLAIN)
        given_up = asyncio.create_task(parse(parsers, STALLING))
        [pid] = parsers.pids
        await eventually(lambda: _is_busy(pid))
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up
        answer = await parse(parsers, PLAIN)

    assert isinstance(answer, ParsedMail)
    assert answer.body.text == "Hello"


async def test_a_parse_cancelled_while_its_process_starts_harms_no_other() -> None:
    """What that process says once it is ready is nobody's answer: the next mail gets another."""
    parsers = ParserPool(workers=1, timeout_seconds=20, memory_bytes=GIB)
    given_up = asyncio.create_task(parse(parsers, PLAIN))
    await eventually(lambda: parsers.pids)
    given_up.cancel()
    await asyncio.wait([given_up])
    answer = await parse(parsers, PLAIN)
    await parsers.stop()

    assert given_up.cancelled()
    assert isinstance(answer, ParsedMail)


async def test_several_parsers_work_at_once() -> None:
    """One stalled parser does not hold the others up."""
    async with pool(workers=2, timeout_seconds=5) as parsers:
        await asyncio.gather(parse(parsers, PLAIN), parse(parsers, PLAIN))
        stalled = asyncio.create_task(parse(parsers, STALLING))
        answers = [await parse(parsers, PLAIN) for _ in range(10)]
        was_still_stalled = not stalled.done()
        stalled.cancel()
        await asyncio.wait([stalled])

    assert was_still_stalled
    assert all(isinstance(answer, ParsedMail) for answer in answers)


async def test_stopping_ends_every_process() -> None:
    """No parser outlives its pool, and a stopped pool says so instead of blaming the mail."""
    async with pool(workers=2) as parsers:
        await asyncio.gather(parse(parsers, PLAIN), parse(parsers, PLAIN))
        pids = parsers.pids

    assert len(pids) == 2
    assert not any(is_running(pid) for pid in pids)
    with pytest.raises(ParserUnavailable):
        await parse(parsers, PLAIN)


async def test_parsers_end_with_their_parent() -> None:
    """A service that is killed leaves no parser behind, not even one that is stalled: its own alarm ends it."""
    program = f"""
import asyncio
from ingest_email.parsing.parser_pool import ParserPool

async def main():
    pool = ParserPool(workers=1, timeout_seconds=0.5, memory_bytes={GIB})
    await pool.parse(b"", envelope_sender="")
    print(pool.pids[0], flush=True)
    await pool.parse({HEAD!r} + b"Content-Type: text/html\\r\\n\\r\\n" + b"&" * 990_000, envelope_sender="")

asyncio.run(main())
"""
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
    assert parent.stdout is not None
    pid = int(await parent.stdout.readline())
    await eventually(lambda: _is_busy(pid))
    parent.kill()
    await parent.communicate()

    assert await eventually(lambda: not is_running(pid) or _state(pid) == "Z", seconds=10)
