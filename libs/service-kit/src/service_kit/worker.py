"""A task that a service repeats for as long as it lives."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from service_kit.errors import TransientError
from service_kit.stop_signal import StopSignal

_LONGEST_BACKOFF_SECONDS = 5.0
"""Short, because after an outage everybody waits for the relays and timers."""
_DOUBLINGS = 16
_STOP_GRACE_SECONDS = 10.0

logger = structlog.get_logger()


class PeriodicWorker:
    """Calls `run` again and again, `interval_seconds` after it returned; a failure delays it, nothing ends it.

    It is a `Part` for one life: `stop` lets the run in flight finish, and cancels it only when it takes too long.
    """

    def __init__(
        self,
        name: str,
        interval_seconds: float,
        run: Callable[[], Awaitable[object]],
        *,
        stop_grace_seconds: float = _STOP_GRACE_SECONDS,
    ) -> None:
        if interval_seconds <= 0:
            raise ValueError("interval_seconds must be positive")
        self.name = name
        self._interval = interval_seconds
        self._run = run
        self._stop_grace = stop_grace_seconds
        self._stopping = StopSignal()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin; the first run starts at once."""
        if self._task is not None or self._stopping.is_set:
            raise RuntimeError(f"worker {self.name} has been started already")
        self._task = asyncio.create_task(self._loop(), name=self.name)

    async def stop(self) -> None:
        """Let the run in flight finish and end; harmless if it never started."""
        self._stopping.set()
        if self._task is None:
            return
        _, running = await asyncio.wait([self._task], timeout=self._stop_grace)
        if running:
            logger.warning("worker_cancelled", worker=self.name, after_seconds=self._stop_grace)
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _loop(self) -> None:
        failures = 0
        while not self._stopping.is_set:
            failures = 0 if await self._succeeds(failures) else failures + 1
            await self._stopping.pause(self._delay(failures))

    def _delay(self, failures: int) -> float:
        longest = max(_LONGEST_BACKOFF_SECONDS, self._interval)
        return min(self._interval * (1 << min(failures, _DOUBLINGS)), longest)

    async def _succeeds(self, failures: int) -> bool:
        try:
            await self._run()
        except TransientError as error:
            logger.warning("worker_delayed", worker=self.name, failures=failures + 1, error=repr(error))
            return False
        except asyncio.CancelledError:
            if (task := asyncio.current_task()) and task.cancelling():
                raise
            logger.warning("worker_interrupted", worker=self.name)  # something it awaited was cancelled, not itself
            return False
        except Exception:
            logger.exception("worker_failed", worker=self.name, failures=failures + 1)
            return False
        return True
