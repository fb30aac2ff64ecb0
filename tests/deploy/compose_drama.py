"""A composed system in a world of its own, and everybody who acts in it, over all tests of a run."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from deploy.composed_system import ComposedSystem
from deploy.docker_engine import DockerEngine
from deploy.images import Images
from deploy.layout import ONE_BROKER, PROJECT, Layout
from faults.agents import Agent, until_answered
from faults.budget import Endless
from faults.cast import Cast, gather_cast
from faults.checker import violations
from faults.customers import Crowd
from faults.history import History
from faults.observation import Observation
from faults.ports import free_port
from faults.quiet import until_quiet
from faults.reader import observe
from faults.world import World

_CUSTOMERS = 12
_MESSAGES_PER_SECOND = 2
_QUIET_SECONDS = 180
_LOOK_SECONDS = 0.1
_ROOT_CERTIFICATE = "/data/caddy/pki/authorities/local/root.crt"

Act = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class ComposeDrama:
    """Everything of a run."""

    system: ComposedSystem
    world: World
    cast: Cast
    crowd: Crowd
    history: History
    chance: Random

    async def play(self, act: Act) -> list[str]:
        """Customers write and agents answer until `act` is done; every broken promise so far, once nothing moves."""
        traffic, work = Endless(), Endless()
        answered = len(self.history.replies("answered"))
        async with asyncio.TaskGroup() as group:
            for agent in self._agents():
                group.create_task(agent.work(work, pause_seconds=0.5))
            group.create_task(self.crowd.write(traffic, pause_seconds=self.crowd.size / _MESSAGES_PER_SECOND))
            await act()
            traffic.end()
            await until_answered(self.history, answered + 3)
            work.end()
        return await self.verdict()

    async def verdict(self) -> list[str]:
        """Every broken promise, once nothing moves any more."""
        return violations(self.history, await self.seen())

    async def seen(self) -> Observation:
        """What the system and the world show, once nothing moves any more."""
        await until_quiet(self.system, _QUIET_SECONDS)
        return await observe(self.system, self.world, self.cast, self.crowd)

    async def until_acknowledged(self, more: int) -> None:
        """Wait until customers were told so often that their message is taken."""
        goal = self.history.acknowledged + more
        while self.history.acknowledged < goal:  # noqa: ASYNC110 - the history is plain data, and knows no events
            await asyncio.sleep(_LOOK_SECONDS)

    async def until_answered_by(self, channels: frozenset[str]) -> None:
        """Wait until agents have replied by each of these channels."""
        while not channels <= {one.channel for one in self.history.replies("answered")}:  # noqa: ASYNC110 - as above
            await asyncio.sleep(_LOOK_SECONDS)

    def _agents(self) -> list[Agent]:
        return [Agent(self.system.base_url, player, self.history, self._luck()) for player in self.cast.online]

    def _luck(self) -> Random:
        return Random(self.chance.getrandbits(64))  # noqa: S311 - reproducible on purpose


@asynccontextmanager
async def compose_drama(system: ComposedSystem, world: World, chance: Random) -> AsyncIterator[ComposeDrama]:
    """A system that has just been set up gets its people; nobody acts yet."""
    cast = await gather_cast(system, world)
    await until_quiet(system, _QUIET_SECONDS)
    history = History()
    async with Crowd(system, world, cast, history, chance, _CUSTOMERS) as crowd:
        yield ComposeDrama(system, world, cast, crowd, history, chance)


@asynccontextmanager
async def brought_up(
    docker: DockerEngine,
    images: Images,
    folder: Path,
    *,
    layout: Layout = ONE_BROKER,
    also: Sequence[str] = (),
    settings: Mapping[str, str] | None = None,
) -> AsyncIterator[ComposeDrama]:
    """A system on an empty machine, with an account, in a world that turns; nothing of it is left afterwards.

    `also` are services of a profile; `folder` keeps the certificate of the system's own authority.
    """
    print(f"images: {images}")  # noqa: T201 - shown with a failed test
    async with World(free_port(), docker.machine_address()).turning() as world:
        system = ComposedSystem(docker, images, PROJECT, {**world.environment, **(settings or {})}, layout)
        await asyncio.to_thread(system.down)
        with pytest.MonkeyPatch.context() as patch:
            try:
                await asyncio.to_thread(system.up, *also)
                await asyncio.to_thread(system.make_first_account)
                certificate = folder / "root.crt"
                await asyncio.to_thread(system.copy_out, "proxy", _ROOT_CERTIFICATE, certificate)
                patch.setenv("SSL_CERT_FILE", str(certificate))
                async with compose_drama(system, world, Random(2026)) as played:  # noqa: S311 - reproducible
                    yield played
            finally:
                await asyncio.to_thread(system.down)
