"""A fleet, the world around it, and everybody who acts in it, put together for one test."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from faults.agents import Agent
from faults.cast import Cast, gather_cast
from faults.checker import violations
from faults.customers import Crowd
from faults.drama import SETTINGS
from faults.fleet import Fleet
from faults.fleet_engines import FleetEngines
from faults.history import History
from faults.ports import free_port
from faults.quiet import until_quiet
from faults.reader import observe
from faults.world import World

_ANSWER_SECONDS = 30.0
"""As browsers wait: on two processors a reply takes a quarter of a minute while all others write to the store."""


@dataclass(frozen=True, slots=True)
class FleetDrama:
    """Everything of one test."""

    fleet: Fleet
    world: World
    cast: Cast
    crowd: Crowd
    agents: tuple[Agent, ...]
    history: History

    async def verdict(self, seconds: float) -> list[str]:
        """Every broken promise, once nothing moves any more."""
        await until_quiet(self.fleet, seconds)
        return violations(self.history, await observe(self.fleet, self.world, self.cast, self.crowd))


@asynccontextmanager
async def fleet_played(
    engines: FleetEngines, folder: Path, chance: Random, *, customers: int, **environment: str
) -> AsyncIterator[FleetDrama]:
    """A fleet that is ready, with its account set up, in a world that turns; nobody acts yet."""
    history = History()
    async with World(free_port()).turning() as world:
        fleet = Fleet(folder, engines, {**SETTINGS, **world.environment, **environment})
        async with fleet.opened():
            await fleet.boot()
            cast = await gather_cast(fleet, world)
            await until_quiet(fleet, seconds=120)
            agents = tuple(
                Agent(
                    fleet.base_url,
                    player,
                    history,
                    Random(chance.getrandbits(64)),  # noqa: S311 - reproducible
                    answer_seconds=_ANSWER_SECONDS,
                )
                for player in cast.online
            )
            async with Crowd(fleet, world, cast, history, chance, customers) as crowd:
                yield FleetDrama(fleet, world, cast, crowd, agents, history)
