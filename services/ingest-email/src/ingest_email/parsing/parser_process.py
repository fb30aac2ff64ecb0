"""One parser process, seen from ours: started when needed, killed when it takes too long, replaced when it died."""

import asyncio
import contextlib
import sys
from asyncio.subprocess import PIPE, Process
from dataclasses import dataclass

import structlog
from pydantic import TypeAdapter

from ingest_email.errors import ParserUnavailable
from ingest_email.parsing.frames import LENGTH_BYTES, pack
from ingest_email.parsing.model import MailBody, MailHead, ParsedMail

_START_SECONDS = 30.0
_MAX_BLOCK_BYTES = 256 * 1024 * 1024

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Unparsed:
    """A mail that could not be understood. `reason` is public: it becomes the message's parse error."""

    reason: str


@dataclass(frozen=True, slots=True)
class _Facts:
    """The first block of an answer."""

    head: MailHead | None = None
    body: MailBody | None = None
    failure: str | None = None


_FACTS = TypeAdapter(_Facts)


class ParserProcess:
    """Parses one mail at a time; whoever holds it must not share it."""

    def __init__(self, *, timeout_seconds: float, memory_bytes: int) -> None:
        self._timeout = timeout_seconds
        self._memory = memory_bytes
        self._process: Process | None = None
        self._is_spoilt = False
        self._mails = 0

    @property
    def pid(self) -> int | None:
        """The running process, if there is one."""
        return None if self._process is None or self._process.returncode is not None else self._process.pid

    @property
    def mails(self) -> int:
        """How many the running process was given."""
        return 0 if self.pid is None else self._mails

    async def start(self) -> None:
        """Have a process that is ready; harmless if there is one.

        Raises:
            ParserUnavailable: it could not be started.
        """
        if self.pid is None or self._is_spoilt:
            await self.close()
            try:
                async with asyncio.timeout(_START_SECONDS):
                    await self._launch()
            except (OSError, asyncio.IncompleteReadError) as error:
                await self.close()
                raise ParserUnavailable(f"no parser process could be started: {type(error).__name__}") from error

    async def parse(self, raw: bytes, *, envelope_sender: str) -> ParsedMail | Unparsed:
        """What the mail says, or why that is not known; never much longer than the timeout.

        Raises:
            ParserUnavailable: no process could be started.
        """
        await self.start()
        try:
            async with asyncio.timeout(self._timeout):
                return await self._ask(raw, envelope_sender)
        except TimeoutError:
            return await self._give_up("timeout")
        except (asyncio.IncompleteReadError, ConnectionError, ValueError):
            return await self._give_up("crashed")
        except asyncio.CancelledError:
            # What is left of the answer must not be taken for the next one.
            self._is_spoilt = True
            raise

    async def close(self) -> None:
        """End the process, at once, and wait until it is gone."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.communicate()

    async def _launch(self) -> None:
        # An empty environment: whatever takes the parser over finds no secret of ours in it. A session of its own:
        # Ctrl-C at the terminal must not reach it before the mails in flight are done.
        limits = (str(self._timeout), str(self._memory))
        # Until it has said that it is ready: whoever is cancelled before leaves that word for nobody to read.
        self._is_spoilt, self._mails = True, 0
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-X", "utf8", "-m", "ingest_email.parsing.parser_worker", *limits),
            stdin=PIPE,
            stdout=PIPE,
            env={},
            start_new_session=True,
        )
        await _receive(self._process)
        self._is_spoilt = False

    async def _ask(self, raw: bytes, envelope_sender: str) -> ParsedMail | Unparsed:
        process = self._process
        if process is None or process.stdin is None:
            raise ConnectionError("the parser process is gone")
        self._mails += 1
        process.stdin.write(pack([envelope_sender.encode(), raw]))
        await process.stdin.drain()
        facts = _FACTS.validate_json(await _receive(process))
        if facts.head is None or facts.body is None:
            return Unparsed(facts.failure or "crashed")
        contents = [await _receive(process) for _ in facts.body.files]
        if [len(content) for content in contents] != [file.size for file in facts.body.files]:
            raise ValueError("the parser process contradicts itself")
        return ParsedMail(facts.head, facts.body, tuple(contents))

    async def _give_up(self, reason: str) -> Unparsed:
        log.warning("parser_process_killed", reason=reason, pid=self.pid)
        await self.close()
        return Unparsed(reason)


async def _receive(process: Process) -> bytes:
    """The next block of an answer."""
    if process.stdout is None:
        raise ConnectionError("the parser process has no output")
    size = int.from_bytes(await process.stdout.readexactly(LENGTH_BYTES), "big")
    if size > _MAX_BLOCK_BYTES:
        raise ValueError("the parser process answers with more than any mail holds")
    return await process.stdout.readexactly(size)
