"""Kills at random moments: of the process, sometimes again while it recovers, and of its Valkey alone."""

import asyncio
import signal
from itertools import repeat
from random import Random

from faults.history import History
from faults.system import System

_LOOK_SECONDS = 0.01
_KILLED = -signal.SIGKILL


class Chaos:
    """Spreads kills over the first part of the traffic of a crowd that sends `messages`.

    By progress, not by time: then a machine of any speed sees the same mixture of busy and dead.
    """

    def __init__(self, system: System, history: History, chance: Random, *, messages: int) -> None:
        self._system = system
        self._history = history
        self._chance = chance
        self._messages = messages

    async def rage(self, *, process_kills: int, valkey_kills: int) -> None:
        """Kill so often; in the end the system is up and ready."""
        moments = sorted(
            self._chance.sample(range(self._messages // 50, self._messages * 4 // 5), process_kills + valkey_kills)
        )
        acts = [*repeat(self._kill_process, process_kills), *repeat(self._kill_valkey, valkey_kills)]
        self._chance.shuffle(acts)
        for moment, act in zip(moments, acts, strict=True):
            await self._until_acknowledged(moment)
            await asyncio.sleep(self._chance.random() / 5)
            await act()
        await self._system.until_ready()

    async def _until_acknowledged(self, messages: int) -> None:
        while self._history.acknowledged < messages:  # noqa: ASYNC110 - the history is plain data, and knows no events
            await asyncio.sleep(_LOOK_SECONDS)

    async def _kill_process(self) -> None:
        await self._end_life()
        if self._chance.random() < 0.3:
            self._system.start()
            await asyncio.sleep(0.2 + self._chance.random())
            await self._end_life()
        self._system.start()

    async def _kill_valkey(self) -> None:
        await self._system.until_ready()
        self._system.signal_valkey(signal.SIGKILL)

    async def _end_life(self) -> None:
        self._system.kill()
        assert await self._system.until_dead() == _KILLED
