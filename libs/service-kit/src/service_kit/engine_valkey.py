"""A Valkey of our own: started, watched and stopped with this process.

It is durable at every write and dies with us, so killing either or cutting the power loses nothing confirmed. With
`appendfsync always` the server exits when its disk is full; it is started again, with growing pauses, until `stop`.
"""

import asyncio
import fcntl
import os
import signal
from contextlib import suppress
from pathlib import Path

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from service_kit.errors import Unavailable
from service_kit.parent_death import dying_with_us
from service_kit.stop_signal import StopSignal
from service_kit.valkey_binary import find_valkey
from service_kit.valkey_config import Address, choose_address, configuration

_POLL_SECONDS = 0.02
_STOP_SECONDS = 10.0
_FIRST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 5.0
_STEADY_SECONDS = 10.0
"""A server that lived this long is restarted without a pause that earlier crashes had earned."""
_LOG_TAIL_BYTES = 2000
_LARGEST_LOG_BYTES = 4 * 1024 * 1024

log = structlog.get_logger(__name__)


class ValkeyNotReadyError(Unavailable):
    """The server could not be started; the message ends with what it said last."""


class ValkeyServer:
    """One server in one home folder: its data in `home/valkey`, its log in `home/valkey.log`."""

    def __init__(self, home: Path, *, binary: Path | None = None, ready_timeout_seconds: float = 120.0) -> None:
        self._home = home.absolute()
        self._data = self._home / "valkey"
        self._log_path = self._home / "valkey.log"
        self._binary = binary
        self._ready_timeout_seconds = ready_timeout_seconds
        self._address: Address | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self._stopping = StopSignal()

    @property
    def url(self) -> str:
        """Where clients connect; the same over restarts. Keep it out of logs: it may hold a password."""
        if self._address is None:
            raise RuntimeError("the server has not been started")
        return self._address.url

    @property
    def pid(self) -> int | None:
        """The server's process, if one runs now."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    async def start(self) -> None:
        """Start the server; returns when it has loaded its log and answers.

        Raises:
            ValkeyNotReadyError: it ended, or was not ready in time.
            ValkeyMissingError: there is no server binary.
        """
        if self._supervisor is not None:
            raise RuntimeError("the server is started already")
        self._data.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._binary = self._binary or find_valkey()
        self._address = self._address or choose_address(self._home)
        self._stopping = StopSignal()
        self._rotate_log()
        process = await self._spawn()
        try:
            await self._wait_until_ready(process)
        except BaseException:
            await self._end(process)
            raise
        self._supervisor = asyncio.create_task(self._supervise(process))

    async def stop(self) -> None:
        """End the server and stay so. It closes its log first, which is complete anyway."""
        if self._supervisor is None:
            return
        self._stopping.set()
        await self._supervisor
        self._supervisor = None

    async def _supervise(self, process: asyncio.subprocess.Process) -> None:
        loop = asyncio.get_running_loop()
        pause = _FIRST_PAUSE_SECONDS
        while True:
            started_at = loop.time()
            if await self._outlives(process):
                await self._end(process)
                return
            log.error("valkey_exited", pid=process.pid, code=process.returncode, log=str(self._log_path))
            _end_group(process.pid)
            if loop.time() - started_at > _STEADY_SECONDS:
                pause = _FIRST_PAUSE_SECONDS
            while await self._stopping.pause(pause):
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
                try:
                    process = await self._spawn()
                except (OSError, ValkeyNotReadyError) as error:
                    log.warning("valkey_not_restarted", error=repr(error))
                else:
                    break
            else:
                return

    async def _outlives(self, process: asyncio.subprocess.Process) -> bool:
        """Wait for the process's end; True when we are asked to stop before that."""
        ended = asyncio.create_task(process.wait())
        asked = asyncio.create_task(self._stopping.wait())
        await asyncio.wait((ended, asked), return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        ended.cancel()
        return process.returncode is None

    async def _spawn(self) -> asyncio.subprocess.Process:
        if self._address is None or self._binary is None:
            raise RuntimeError("the server has not been started")
        lock = await self._lock()
        try:
            with self._log_path.open("ab") as log_file:
                process = await asyncio.create_subprocess_exec(
                    *dying_with_us([str(self._binary), "-"]),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=log_file,
                    stderr=log_file,
                    cwd=self._data,
                    start_new_session=True,
                    pass_fds=(lock,),
                )
        finally:
            os.close(lock)
        self._process = process
        if process.stdin is not None:
            # Not on the command line, where every user of the machine could read the password.
            with suppress(ConnectionError):
                process.stdin.write(configuration(self._address, self._data).encode())
                await process.stdin.drain()
            process.stdin.close()
        log.info("valkey_started", pid=process.pid)
        return process

    async def _lock(self) -> int:
        """A lock that the server inherits and holds until it has ended, even if we are killed first.

        So the next life never starts a second server on the same files while the first still closes them.
        """
        descriptor = os.open(self._data / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            async with asyncio.timeout(self._ready_timeout_seconds):
                while True:
                    try:
                        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    except BlockingIOError:
                        await asyncio.sleep(_POLL_SECONDS)
                    else:
                        return descriptor
        except TimeoutError:
            os.close(descriptor)
            raise ValkeyNotReadyError(f"another Valkey still runs on {self._data}") from None
        except BaseException:
            os.close(descriptor)
            raise

    async def _wait_until_ready(self, process: asyncio.subprocess.Process) -> None:
        client = Redis.from_url(self.url, socket_timeout=1, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0))
        state = "not listening"
        try:
            async with asyncio.timeout(self._ready_timeout_seconds):
                while process.returncode is None:
                    try:
                        await client.ping()
                    except BusyLoadingError:
                        state = "loading its log"
                    except (RedisConnectionError, RedisTimeoutError, OSError) as error:
                        state = f"not answering ({type(error).__name__})"
                    else:
                        return
                    await asyncio.sleep(_POLL_SECONDS)
                state = f"ended with code {process.returncode}"
        except TimeoutError:
            state = f"{state} after {self._ready_timeout_seconds:g} s"
        finally:
            await client.aclose()
        raise ValkeyNotReadyError(f"Valkey is {state}. Its log {self._log_path} ends:\n{self._log_tail()}")

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            log.warning("valkey_killed", pid=process.pid)
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        _end_group(process.pid)

    def _log_tail(self) -> str:
        return self._log_path.read_bytes()[-_LOG_TAIL_BYTES:].decode(errors="replace")

    def _rotate_log(self) -> None:
        with suppress(FileNotFoundError):
            if self._log_path.stat().st_size > _LARGEST_LOG_BYTES:
                self._log_path.replace(self._log_path.with_suffix(".log.1"))


def _end_group(leader: int) -> None:
    """End what a dead server left in its group: a rewrite of its log, or the watcher of our life."""
    with suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)
