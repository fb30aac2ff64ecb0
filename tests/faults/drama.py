"""A system, the world around it, and everybody who acts in it, put together for one test."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from faults.agents import Agent
from faults.cast import Cast, gather_cast
from faults.checker import violations
from faults.customers import Crowd
from faults.history import History
from faults.ports import free_port
from faults.quiet import until_quiet
from faults.reader import observe
from faults.system import System, new_system
from faults.world import World

SETTINGS = {
    "WEBCHAT_CONNECTIONS_PER_MINUTE": "100000",
    "NOTIFIER_RELAY_TIMEOUT_SECONDS": "3",
    "NOTIFIER_HTTP_TIMEOUT_SECONDS": "3",
}
"""All visitors come from one address; and nobody wants to wait half a minute for a lease that a crash has left."""

_NOT_COPIED = shutil.ignore_patterns("lock", "ballast", "*.sock")


@dataclass(frozen=True, slots=True)
class Stage:
    """A home that was set up once, to be copied for each test; its account calls the outside at `world_port`."""

    home: Path
    world_port: int
    cast: Cast


@dataclass(frozen=True, slots=True)
class Drama:
    """Everything of one test."""

    system: System
    world: World
    cast: Cast
    crowd: Crowd
    agents: tuple[Agent, ...]
    history: History

    async def verdict(self, seconds: float = 40.0) -> list[str]:
        """Every broken promise, once nothing moves any more."""
        await until_quiet(self.system, seconds)
        return violations(self.history, await observe(self.system, self.world, self.cast, self.crowd))


async def build_stage(folder: Path) -> Stage:
    """Set a system up: the first start, the account, its people and its settings."""
    world = World(free_port())
    async with new_system(folder, SETTINGS) as system:
        await system.boot()
        cast = await gather_cast(system, world)
        await until_quiet(system, seconds=20)
        await system.stop()
    return Stage(system.home, world.http_port, cast)


@asynccontextmanager
async def played(
    stage: Stage, folder: Path, chance: Random, *, customers: int, **environment: str
) -> AsyncIterator[Drama]:
    """A system on a copy of the stage's home, in a world that turns; it is not started, and nobody acts yet."""
    history = History()
    async with (
        World(stage.world_port).turning() as world,
        new_system(folder, {**SETTINGS, **world.environment, **environment}) as system,
    ):
        shutil.copytree(stage.home, system.home, ignore=_NOT_COPIED, dirs_exist_ok=True)
        agents = tuple(
            Agent(system.base_url, player, history, Random(chance.getrandbits(64)))  # noqa: S311 - reproducible
            for player in stage.cast.online
        )
        async with Crowd(system, world, stage.cast, history, chance, customers) as crowd:
            yield Drama(system, world, stage.cast, crowd, agents, history)
