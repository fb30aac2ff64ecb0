"""What befalls the lines between the services and their engines: cut while in use, and slow for a while."""

import asyncio
from collections.abc import Mapping, Sequence
from random import Random

import structlog

from faults.fault_proxy import FaultProxy
from faults.history import History

_LOOK_SECONDS = 0.02
_SLOW_SECONDS = 3.0
_DELAYS_SECONDS = (0.02, 0.2)

log = structlog.get_logger(__name__)


class LineChaos:
    """Spreads its acts over the traffic of a crowd that sends `messages`; by progress, not by time."""

    def __init__(self, lines: Mapping[str, FaultProxy], history: History, chance: Random, *, messages: int) -> None:
        self._lines = lines
        self._history = history
        self._chance = chance
        self._messages = messages

    async def rage(self, *, cuts: int, slow_downs: int) -> None:
        """Do every line so much harm; in the end all are as they were."""
        acts = [(name, act) for name in self._lines for act in (*["cut"] * cuts, *["slow"] * slow_downs)]
        self._chance.shuffle(acts)
        moments: Sequence[int] = sorted(
            self._chance.sample(range(self._messages // 50, self._messages * 4 // 5), len(acts))
        )
        for moment, (name, act) in zip(moments, acts, strict=True):
            while self._history.acknowledged < moment:  # noqa: ASYNC110 - plain data, and knows no events
                await asyncio.sleep(_LOOK_SECONDS)
            log.info("fault", act=act, line=name)
            await (self._cut(name) if act == "cut" else self._slow(name))

    async def _cut(self, name: str) -> None:
        await self._lines[name].cut()

    async def _slow(self, name: str) -> None:
        self._lines[name].delay_seconds = self._chance.uniform(*_DELAYS_SECONDS)
        await asyncio.sleep(_SLOW_SECONDS)
        self._lines[name].delay_seconds = 0.0
