"""The system under test from the outside: a real process on a home folder, its death, and its return."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import httpx

from faults.life import begin_life
from faults.ports import free_port
from faults.sqlite_rest import unfinished_in
from faults.streams_view import StreamsView, streams_view

_READY_SECONDS = 40.0
_DEATH_SECONDS = 20.0
_LOOK_SECONDS = 0.05


class System:
    """One home and one pair of ports; lives come and go on them."""

    def __init__(self, home: Path, environment: Mapping[str, str]) -> None:
        self.home = home
        self.smtp_port = free_port()
        self.http_port = free_port()
        self.base_url = f"http://127.0.0.1:{self.http_port}"
        self._environment = {
            "DESKBUS_HOME": str(home),
            "DESKBUS_HTTP_PORT": str(self.http_port),
            "DESKBUS_SMTP_PORT": str(self.smtp_port),
            "DESKBUS_ALLOW_PRIVATE_URLS": "1",
            **environment,
        }
        self._life: BaseProcess | None = None

    @property
    def owner(self) -> dict[str, Any]:
        """What the first start wrote about the first account's owner."""
        owner: dict[str, Any] = json.loads((self.home / "owner.json").read_text())
        return owner

    @property
    def output(self) -> str:
        """What all lives printed."""
        return (self.home.parent / "output").read_text()

    @property
    def pid(self) -> int:
        """The process of the present life."""
        pid = self._present().pid
        assert pid is not None, "a life that was started has a process"
        return pid

    def start(self, *, crash_at: str = "", **environment: str) -> None:
        """Begin a life and wait for nothing. `crash_at` arms a crash point: `name` or `name:passage`."""
        assert self._life is None, "the present life has to end first"
        armed = {"DESKBUS_CRASH_AT": crash_at} if crash_at else {}
        self.home.parent.mkdir(parents=True, exist_ok=True)
        self._life = begin_life({**self._environment, **armed, **environment}, self.home.parent / "output")

    async def boot(self, *, crash_at: str = "", **environment: str) -> None:
        """Begin a life and wait until it is ready for work."""
        self.start(crash_at=crash_at, **environment)
        await self.until_ready()

    async def until_ready(self, seconds: float = _READY_SECONDS) -> None:
        """Wait until every service is well and the first account is there."""

        async def is_ready(client: httpx.AsyncClient) -> bool:
            assert self._present().is_alive(), f"it ended with {self._present().exitcode}: {self.output[-2000:]}"
            try:
                answer = await client.get(f"{self.base_url}/readyz")
            except httpx.HTTPError:
                return False
            return answer.status_code == httpx.codes.OK and (self.home / "owner.json").exists()

        clock = asyncio.get_running_loop().time
        deadline = clock() + seconds
        async with httpx.AsyncClient(timeout=5) as client:
            while not await is_ready(client):
                assert clock() < deadline, f"it was not ready within {seconds} s: {self.output[-2000:]}"
                await asyncio.sleep(_LOOK_SECONDS)

    def kill(self) -> None:
        """End the present life as `kill -9` does; its Valkey is left to find out by itself."""
        os.kill(self.pid, signal.SIGKILL)

    async def until_dead(self, seconds: float = _DEATH_SECONDS, *, because: str = "") -> int:
        """Wait for the end of the present life; its exit code, negative for a signal."""
        life = self._present()
        await asyncio.to_thread(life.join, seconds)
        assert life.exitcode is not None, f"it did not end within {seconds} s; {because}"
        self._life = None
        return life.exitcode

    async def stop(self) -> int:
        """Ask the present life to end in order, as Ctrl-C does; its exit code."""
        os.kill(self.pid, signal.SIGTERM)
        return await self.until_dead()

    def signal_valkey(self, number: signal.Signals) -> None:
        """Send a signal to the present life's Valkey, and to nothing else."""
        os.kill(valkey_of(self.pid), number)

    def bus_view(self) -> AbstractAsyncContextManager[StreamsView]:
        """The streams of its Valkey."""
        return streams_view(self.home)

    async def unfinished(self) -> Mapping[str, int]:
        """What its files say is not finished."""
        return dict(unfinished_in(self.home / "store"))

    async def bury(self) -> None:
        """End whatever still lives, for the end of a test."""
        if self._life is not None:
            self.kill()
            await self.until_dead()

    def _present(self) -> BaseProcess:
        assert self._life is not None, "there is no life now"
        return self._life


@asynccontextmanager
async def new_system(folder: Path, environment: Mapping[str, str]) -> AsyncIterator[System]:
    """A system in an empty folder, not started; whatever lives at the end is killed."""
    system = System(folder / "home", environment)
    try:
        yield system
    finally:
        await system.bury()


def valkey_of(pid: int) -> int:
    """The process id of the Valkey that the process `pid` started."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            name, _, rest = (folder / "stat").read_text().partition("(")[2].rpartition(")")
        except FileNotFoundError:
            continue  # it ended while we looked
        if name.startswith("valkey") and int(rest.split()[1]) == pid:
            return int(folder.name)
    raise ProcessLookupError(f"process {pid} has no Valkey now")
