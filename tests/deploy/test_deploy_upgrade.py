"""From one release to the next and back again, as docs/operations/upgrade.md tells it, under traffic."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
import pytest_asyncio

from deploy.compose_drama import ComposeDrama, brought_up
from deploy.docker_engine import DockerEngine
from deploy.images import TAG, Images, NoReleaseError, build_release, with_engines
from deploy.settings import DeploySettings
from deskbus.composition import SERVICE_NAMES
from engines import wanting

pytestmark = [pytest.mark.deploy, pytest.mark.timeout(2400), pytest.mark.asyncio(loop_scope="module")]

_READERS_FIRST = (
    "reporting",
    "notifier",
    "router",
    "tickets",
    "ingest-email",
    "ingest-sms",
    "webchat-gateway",
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def before(docker: DockerEngine, image: Images) -> str:
    """The tag of the release that is upgraded from."""
    try:
        return await asyncio.to_thread(build_release, docker, image, DeploySettings().before)
    except NoReleaseError as error:
        pytest.skip(f"{wanting.reason('the history of the repository (a clone that is not shallow)')}: {error}")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def drama(
    docker: DockerEngine, image: Images, before: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[ComposeDrama]:
    """A system of the release before."""
    images = await asyncio.to_thread(with_engines, docker, DeploySettings(), image)
    settings = {"DESKBUS_VERSION": before}
    async with brought_up(docker, images, tmp_path_factory.mktemp("tls"), settings=settings) as played:
        yield played


async def _started(drama: ComposeDrama, *options: str) -> None:
    await asyncio.to_thread(drama.system.compose, "up", "--detach", "--no-build", "--no-deps", *options)
    await asyncio.to_thread(drama.system.until_healthy)


async def _replaced(drama: ComposeDrama, services: Sequence[str]) -> None:
    for service in services:
        await _started(drama, service)
        await drama.until_acknowledged(2)
    await _started(drama, "--force-recreate", "proxy")


async def _versions(drama: ComposeDrama) -> set[str]:
    return {
        await asyncio.to_thread(drama.system.version_of, container)
        for service in SERVICE_NAMES
        for container in await asyncio.to_thread(drama.system.containers, service)
    }


async def test_nothing_is_lost_while_a_release_takes_the_place_of_the_one_before(
    drama: ComposeDrama, before: str
) -> None:
    """One service after the other, readers of events first, old beside new under traffic: all promises hold (I2-I4)."""
    began_with = await _versions(drama)

    async def upgrade() -> None:
        await drama.until_acknowledged(6)
        await asyncio.to_thread(drama.system.become, TAG)
        await _started(drama, "prepare", "init")
        await _replaced(drama, _READERS_FIRST)
        await asyncio.to_thread(drama.system.compose, "run", "--rm", "--no-deps", "-T", "init")
        await drama.until_acknowledged(6)

    broken = await drama.play(upgrade)

    assert broken == []
    assert (began_with, await _versions(drama)) == ({before}, {TAG})
    assert sorted(_READERS_FIRST) == sorted(SERVICE_NAMES)


async def test_nothing_is_lost_on_the_way_back(drama: ComposeDrama, before: str) -> None:
    """The release before goes on with what the newer one has written: all promises hold, of both times (I2-I4)."""

    async def go_back() -> None:
        await asyncio.to_thread(drama.system.become, before)
        await _started(drama, "prepare")
        await _replaced(drama, _READERS_FIRST[::-1])
        await drama.until_acknowledged(6)

    broken = await drama.play(go_back)

    assert broken == []
    assert await _versions(drama) == {before}
