"""A few parser processes and whoever waits for them.

Not pebble's ProcessPool: there all workers share one pipe, and a worker that is killed while a large mail is on its
way (by the kernel, say) leaves half of it there; measured, every mail after that waited for ever. Here each process
has its own pipes, and its death costs the one mail it had.
"""

import asyncio
from functools import partial

import structlog

from ingest_email.errors import ParserUnavailable
from ingest_email.parsing.model import ParsedMail
from ingest_email.parsing.parser_process import ParserProcess, Unparsed

_MAX_MAILS = 2000
"""A process that has parsed so many is relieved: nobody vouches for the memory of every parser in it."""

log = structlog.get_logger(__name__)


class ParserPool:
    """A `Part`. Parsing works before `start` as well: it only begins to start the processes early."""

    def __init__(self, *, workers: int, timeout_seconds: float, memory_bytes: int, mails_max: int = _MAX_MAILS) -> None:
        if workers < 1:
            raise ValueError("a pool needs at least one worker")
        self._new = partial(ParserProcess, timeout_seconds=timeout_seconds, memory_bytes=memory_bytes)
        self._mails_max = mails_max
        self._processes = [self._new() for _ in range(workers)]
        self._idle: asyncio.Queue[ParserProcess] = asyncio.Queue()
        for process in self._processes:
            self._idle.put_nowait(process)
        self._warming: set[asyncio.Task[None]] = set()
        self._reliefs: dict[ParserProcess, asyncio.Task[ParserProcess]] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._is_closed = False

    @property
    def size(self) -> int:
        """How many mails are parsed at once."""
        return len(self._processes)

    @property
    def pids(self) -> tuple[int, ...]:
        """The processes that run now."""
        return tuple(process.pid for process in self._processes if process.pid is not None)

    async def start(self) -> None:
        """Begin to start the processes; returns at once, so that nothing waits for them to be ready."""
        self._warming = {asyncio.create_task(self._warm(), name="parser-warm-up") for _ in self._processes}

    async def stop(self) -> None:
        """Let the mails in flight finish (the timeout bounds them), then end every process."""
        self._is_closed = True
        if self._warming:
            await asyncio.wait(self._warming)
        for _ in self._processes:
            process = await self._idle.get()
            await process.close()
        for relief in self._reliefs.values():
            relief.cancel()
        for outcome in await asyncio.gather(*self._reliefs.values(), *self._ending, return_exceptions=True):
            if isinstance(outcome, ParserProcess):
                await outcome.close()

    async def parse(self, raw: bytes, *, envelope_sender: str) -> ParsedMail | Unparsed:
        """What the mail says, by the next process that is free.

        Raises:
            ParserUnavailable: no process could be started, or the pool was stopped.
        """
        if self._is_closed:
            raise ParserUnavailable("the parser pool was stopped")
        process = await self._idle.get()
        try:
            return await process.parse(raw, envelope_sender=envelope_sender)
        finally:
            self._idle.put_nowait(self._relieved(process))

    def _relieved(self, process: ParserProcess) -> ParserProcess:
        """Who takes the next mail: the same, until its relief is ready. No mail waits for the start of a process."""
        if process.mails < self._mails_max:
            return process
        relief = self._reliefs.get(process)
        if relief is None:
            self._reliefs[process] = asyncio.create_task(self._started(), name="parser-relief")
        if relief is None or not relief.done():
            return process
        del self._reliefs[process]
        if (error := relief.exception()) is not None:
            log.warning("parser_not_relieved", error=type(error).__name__)
            return process
        self._processes[self._processes.index(process)] = relief.result()
        ending = asyncio.create_task(process.close(), name="parser-relieved")
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)
        return relief.result()

    async def _started(self) -> ParserProcess:
        process = self._new()
        try:
            await process.start()
        except BaseException:
            await process.close()
            raise
        return process

    async def _warm(self) -> None:
        process = await self._idle.get()
        try:
            await process.start()
        except ParserUnavailable as error:
            log.warning("parser_not_ready", error=str(error))
        finally:
            self._idle.put_nowait(process)
