"""One process of one service: `deskbus run`, with ports of its own that stay the same over its lives."""

import asyncio
import os
import signal
from collections.abc import Mapping
from multiprocessing.process import BaseProcess
from pathlib import Path

import httpx

from faults.life import begin_life
from faults.ports import free_port

_DEATH_SECONDS = 60.0
_READY_SECONDS = 90.0
_LOOK_SECONDS = 0.1


class Replica:
    """Lives come and go on it, one at a time."""

    def __init__(self, service: str, number: int, folder: Path, environment: Mapping[str, str]) -> None:
        self.name = f"{service}-{number}"
        self.service = service
        self.port = free_port()
        self.smtp_port = free_port()
        self._output = folder / f"{self.name}.log"
        self._environment = {
            **environment,
            "DESKBUS_HTTP_PORT": str(self.port),
            "DESKBUS_SMTP_PORT": str(self.smtp_port),
        }
        self._life: BaseProcess | None = None

    @property
    def is_alive(self) -> bool:
        """Whether there is a process."""
        return self._life is not None and self._life.is_alive()

    @property
    def log(self) -> str:
        """What all lives wrote."""
        return self._output.read_text() if self._output.exists() else ""

    def start(self) -> None:
        """Begin a life and wait for nothing."""
        assert self._life is None, f"the present life of {self.name} has to end first"
        self._life = begin_life(self._environment, self._output, ["run", self.service])

    async def until_ready(self, seconds: float = _READY_SECONDS) -> None:
        """Wait until it says that it can work."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + seconds
        async with httpx.AsyncClient(timeout=5) as client:
            while not await self._is_ready(client):
                assert clock() < deadline, f"{self.name} was not ready within {seconds} s: {self.log[-2000:]}"
                await asyncio.sleep(_LOOK_SECONDS)

    def signal(self, number: signal.Signals) -> None:
        """Send the present life a signal."""
        assert self._life is not None
        assert self._life.pid is not None
        os.kill(self._life.pid, number)

    async def until_dead(self, seconds: float = _DEATH_SECONDS) -> int:
        """Wait for the end of the present life; its exit code, negative for a signal."""
        life = self._life
        assert life is not None, f"{self.name} has no life"
        await asyncio.to_thread(life.join, seconds)
        assert life.exitcode is not None, f"{self.name} did not end within {seconds} s: {self.log[-2000:]}"
        self._life = None
        return life.exitcode

    async def kill(self) -> None:
        """End the present life as `kill -9` does."""
        self.signal(signal.SIGKILL)
        await self.until_dead()

    async def stop(self) -> int:
        """Ask the present life to end in order; its exit code."""
        self.signal(signal.SIGTERM)
        return await self.until_dead()

    async def bury(self) -> None:
        """End whatever still lives."""
        if self._life is not None and self._life.is_alive():
            await self.kill()

    async def _is_ready(self, client: httpx.AsyncClient) -> bool:
        assert self.is_alive, f"{self.name} ended: {self.log[-2000:]}"
        try:
            answer = await client.get(f"http://127.0.0.1:{self.port}/readyz")
        except httpx.HTTPError:
            return False
        return answer.is_success
