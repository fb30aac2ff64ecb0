"""Calendars are read in a process of their own, which is killed when it takes too long.

One process for each calendar: imports are rare, and nothing of one reaches the next. The libraries that expand
recurrences cannot be told to stop; a rule that repeats for ever costs its own import and nothing else.
"""

import asyncio
import contextlib
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from datetime import date

import structlog
from pydantic import ValidationError

from router.schedules.calendar_answer import CalendarAnswer, CalendarRefused, CalendarRequest
from router.schedules.closures import Closure
from service_kit.errors import Unavailable

_SECONDS = 10
_START_SECONDS = 10.0
"""Beyond the worker's own limit, for starting it on a busy machine."""
_MEMORY_BYTES = 512 * 1024 * 1024
_AT_ONCE = 2

logger = structlog.get_logger()


class ReaderUnavailable(Unavailable):
    """No process could be started; the calendar is not to blame."""


class CalendarReader:
    """Reads calendars of whoever asks, a few at a time."""

    def __init__(self, *, seconds: int = _SECONDS, memory_bytes: int = _MEMORY_BYTES) -> None:
        self._seconds = seconds
        self._memory_bytes = memory_bytes
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def read(self, content: str, zone: str, first: date, last: date) -> Sequence[Closure]:
        """What the calendar closes on these dates.

        Raises:
            CalendarRefused: it cannot be read, or not in time.
            ReaderUnavailable: nobody could try.
        """
        request = CalendarRequest(content=content, zone=zone, first=first, last=last)
        async with self._room:
            answer = await self._ask(request)
        if answer.refused is not None:
            raise CalendarRefused(answer.refused)
        return answer.closures

    async def _ask(self, request: CalendarRequest) -> CalendarAnswer:
        process = await self._started()
        try:
            async with asyncio.timeout(self._seconds + _START_SECONDS):
                output, _ = await process.communicate(request.model_dump_json().encode())
        except TimeoutError:
            output = b""
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        try:
            return CalendarAnswer.model_validate_json(output)
        except ValidationError as error:
            logger.warning("calendar_reader_failed", returncode=process.returncode)
            if process.returncode is not None and process.returncode > 0:
                raise ReaderUnavailable("a calendar reader ended by itself, without an answer") from error
            # A signal: it was ended by one of its limits in the middle of its work.
            return CalendarAnswer(refused="calendar_too_complex")

    async def _started(self) -> Process:
        try:
            # An empty environment: whatever takes the reader over finds no secret of ours in it.
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-X", "utf8", "-m", "router.schedules.calendar_worker"),
                *(str(self._seconds), str(self._memory_bytes)),
                stdin=PIPE,
                stdout=PIPE,
                env={},
                start_new_session=True,
            )
        except OSError as error:
            raise ReaderUnavailable(f"no calendar reader could be started: {type(error).__name__}") from error
