"""Parsing mail: the pool of parser processes as it runs everywhere, kept busy with a mixed corpus.

Every process is warm before the clock runs. Processor time is that of the parsers from then on to their end, with
those that relieve them, and beside it that of this process, which hands out mails and reads answers. The rate by the
clock is of both together: two parsers and this process share what processors there are.
"""

import asyncio
import os
import resource
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.mail_corpus import mixed
from ingest_email.parsing.model import ParsedMail
from ingest_email.parsing.parser_pool import ParserPool

_MEMORY_BYTES = 1024**3
_TIMEOUT_SECONDS = 10.0
_QUEUED_FOR_EACH = 2
_UNREADABLE_SHARE = 0.05
"""Of the found mails a few are broken on purpose; more would mean that something else is measured."""


@dataclass(frozen=True, slots=True)
class ParseRun:
    """So many mails by so many processes."""

    workers: int
    mails: int
    seconds: float
    cpu_seconds: float
    parent_cpu_seconds: float


def measure_parsing(workers: int, mails: int) -> ParseRun:
    """One run on a new pool."""
    before = _children_cpu()
    seconds, to_start, parent = asyncio.run(_parse(workers, mails))
    return ParseRun(workers, mails, seconds, _children_cpu() - before - to_start, parent)


async def _parse(workers: int, count: int) -> tuple[float, float, float]:
    """Seconds; what the parsers had used before the first mail; what this process used meanwhile."""
    corpus = mixed(count, run=secrets.token_hex(4), recipient="support@bench.example")
    pool = ParserPool(workers=workers, timeout_seconds=_TIMEOUT_SECONDS, memory_bytes=_MEMORY_BYTES)
    await pool.start()
    try:
        # A process is in use for as long as it parses: so many at once are on all of them.
        await asyncio.gather(*(pool.parse(corpus[0], envelope_sender="a@customers.example") for _ in range(workers)))
        waiting = iter(corpus)
        to_start = sum(_cpu_of(pid) for pid in pool.pids)
        began, parent_before = time.monotonic(), time.process_time()
        unread = await asyncio.gather(*(_worked_off(pool, waiting) for _ in range(workers * _QUEUED_FOR_EACH)))
        seconds, parent = time.monotonic() - began, time.process_time() - parent_before
    finally:
        await pool.stop()
    if sum(unread) > count * _UNREADABLE_SHARE:
        raise RuntimeError(f"{sum(unread)} of {count} mails were not understood: this measures something else")
    return seconds, to_start, parent


async def _worked_off(pool: ParserPool, waiting: Iterator[bytes]) -> int:
    """Take mail after mail until none is left; how many were not understood."""
    unread = 0
    for raw in waiting:
        parsed = await pool.parse(raw, envelope_sender="customer@customers.example")
        unread += not isinstance(parsed, ParsedMail)
    return unread


def _cpu_of(pid: int) -> float:
    """Of one process that runs."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _children_cpu() -> float:
    """Of all processes that this one started and has seen the end of."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
