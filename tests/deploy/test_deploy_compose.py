"""The compose file, brought up: traffic from outside, and everything that befalls a machine's containers meanwhile.

One system for all of it, in this order: what a test leaves behind is where the next one begins, and the checker goes
through all of it each time.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from deploy.compose_drama import ComposeDrama, brought_up
from deploy.docker_engine import DockerEngine, DockerError
from deploy.images import Images, with_engines
from deploy.settings import DeploySettings
from deskbus.composition import SERVICE_NAMES

pytestmark = [pytest.mark.deploy, pytest.mark.timeout(1800), pytest.mark.asyncio(loop_scope="module")]

_CHANNELS = frozenset({"email", "sms", "web_chat"})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def drama(
    docker: DockerEngine, image: Images, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[ComposeDrama]:
    """A system brought up on an empty machine, with an account, in a world that turns."""
    images = await asyncio.to_thread(with_engines, docker, DeploySettings(), image)
    async with brought_up(docker, images, tmp_path_factory.mktemp("tls")) as played:
        yield played


async def test_messages_from_outside_are_assigned_and_answered(drama: ComposeDrama) -> None:
    """Mail, SMS and chat come in through the published doors; each channel's tickets are given out and answered."""

    async def every_channel() -> None:
        await drama.until_acknowledged(24)
        await drama.until_answered_by(_CHANNELS)

    broken = await drama.play(every_channel)
    seen = await drama.seen()
    answered = {one.channel for one in drama.history.replies("answered")}

    assert broken == []
    assert {ticket.channel for ticket in seen.tickets.values()} == _CHANNELS
    assert [ticket.id for ticket in seen.tickets.values() if ticket.assignee_id is None] == []
    assert answered == _CHANNELS


async def test_one_origin_with_tls_shows_nothing_of_the_inside(drama: ComposeDrama) -> None:
    """A certificate that fits, a promise to stay with TLS, and no way to metrics or readiness from outside."""
    async with httpx.AsyncClient(base_url=drama.system.base_url) as http:
        health = await http.get("/healthz")
        inside = [(await http.get(path)).status_code for path in ("/metrics", "/readyz")]
        closed, page = await http.get("/v1/tickets"), await http.get("/docs")

    assert (health.status_code, inside, closed.status_code) == (200, [404, 404], 401)
    assert (page.status_code, page.headers["content-type"].partition(";")[0]) == (200, "text/html")
    assert "max-age" in health.headers["strict-transport-security"]


async def test_nothing_is_lost_whichever_container_is_killed(drama: ComposeDrama) -> None:
    """Each container in turn, engines and proxy too, under traffic: all promises hold (I2-I4, A6)."""
    services = await asyncio.to_thread(drama.system.services)

    async def kill_each() -> None:
        for service in services:
            for container in await asyncio.to_thread(drama.system.containers, service):
                await asyncio.to_thread(drama.system.kill, container)
            await drama.until_acknowledged(2)
            await asyncio.to_thread(drama.system.until_healthy)

    broken = await drama.play(kill_each)

    assert broken == []
    assert services == sorted([*SERVICE_NAMES, "kafka", "mongodb", "valkey", "proxy"])


async def test_nothing_is_lost_while_all_services_are_restarted(drama: ComposeDrama) -> None:
    """One after the other ends in order, with exit code 0, and starts again under traffic: as an upgrade does."""
    codes: dict[str, int] = {}

    async def roll() -> None:
        for service in SERVICE_NAMES:
            (container,) = await asyncio.to_thread(drama.system.containers, service)
            codes[service] = await asyncio.to_thread(drama.system.roll, container)
            await asyncio.to_thread(drama.system.until_healthy)

    broken = await drama.play(roll)

    assert broken == []
    assert codes == dict.fromkeys(SERVICE_NAMES, 0)


async def test_three_of_tickets_and_router_share_the_work(drama: ComposeDrama) -> None:
    """Scaled out, with one of the three killed, and scaled in again under traffic: all promises hold (A2, A6)."""

    async def scale() -> None:
        await asyncio.to_thread(drama.system.scale, tickets=3, router=3)
        await drama.until_acknowledged(5)
        for service in ("tickets", "router"):
            containers = await asyncio.to_thread(drama.system.containers, service)
            assert len(containers) == 3
            await asyncio.to_thread(drama.system.kill, containers[-1])
        await drama.until_acknowledged(5)
        await asyncio.to_thread(drama.system.until_healthy)
        await asyncio.to_thread(drama.system.scale, tickets=1, router=1)

    assert await drama.play(scale) == []


async def test_a_new_system_made_from_a_backup_is_the_same(drama: ComposeDrama, tmp_path: Path) -> None:
    """Backed up, destroyed with its volumes and restored: the same tickets, and everything goes on.

    What is there is not overwritten.
    """
    before = await drama.seen()
    await asyncio.to_thread(drama.system.script, "backup.sh", str(tmp_path))
    await asyncio.to_thread(drama.system.until_healthy)
    with pytest.raises(DockerError, match="is here already"):
        await asyncio.to_thread(drama.system.script, "restore.sh", str(tmp_path))
    await asyncio.to_thread(drama.system.down)
    await asyncio.to_thread(drama.system.script, "restore.sh", str(tmp_path))
    await asyncio.to_thread(drama.system.up)
    after = await drama.seen()

    assert after.tickets == before.tickets
    assert after.messages == before.messages
    assert after.events == before.events
    assert after.deliveries == before.deliveries
    assert await drama.play(lambda: drama.until_acknowledged(6)) == []
