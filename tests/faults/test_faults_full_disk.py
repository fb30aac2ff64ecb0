"""A disk that fills up: every door refuses in time, what was acknowledged is kept, and room is enough to recover."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import httpx
import pytest

from faults.budget import Endless
from faults.drama import Stage, played
from faults.stranger import ACCEPTED, Stranger
from service_kit.testing.eventually import eventually

pytestmark = [pytest.mark.faults]

REFUSED = {"mail": "452", "sms": "503 storage_full", "chat": "unavailable"}
TAKEN = {"mail": ACCEPTED, "sms": ACCEPTED, "chat": ACCEPTED}
MORE_THAN_ANY_DISK = str(1 << 62)
SMALL_DISK_BYTES = 96 * 1024 * 1024
KEPT_FREE_BYTES = 16 * 1024 * 1024


@pytest.mark.timeout(120)
async def test_below_the_limit_every_door_refuses_early(stage: Stage, tmp_path: Path, chance: Random) -> None:
    """With too little free space nothing new is taken in, by any door, and what is there can be read (I3)."""
    async with played(stage, tmp_path, chance, customers=3) as drama:
        drama.system.start(DESKBUS_MINIMUM_FREE_BYTES=MORE_THAN_ANY_DISK)
        key = {"Authorization": f"Bearer {drama.cast.owner_key}"}
        async with httpx.AsyncClient(base_url=drama.system.base_url, headers=key) as http:
            await eventually(lambda: _is_alive(http), seconds=20)
            async with Stranger(drama, patience_seconds=5) as stranger:
                answers = await stranger.knock()
            ready = await http.get("/readyz")
            read = await http.get("/v1/tickets")
            written = await http.post("/v1/macros", json={"name": "Hello", "text": "Hello."})

    assert answers == REFUSED
    assert ready.status_code == 503
    assert read.status_code == 200
    assert (written.status_code, written.json()["code"]) == (503, "storage_full")


@pytest.mark.timeout(120)
async def test_a_disk_that_is_full_costs_nothing_but_time(stage: Stage, tmp_path: Path, chance: Random) -> None:
    """Filled to the last byte under traffic it refuses; with room again all flows by itself, nothing is lost (I3)."""
    with small_disk(tmp_path / "disk") as disk:
        limit = {"DESKBUS_MINIMUM_FREE_BYTES": str(KEPT_FREE_BYTES)}
        async with played(stage, disk, chance, customers=8, **limit) as drama:
            await drama.system.boot()
            enough = Endless()
            async with asyncio.TaskGroup() as group:
                group.create_task(drama.crowd.write(enough, pause_seconds=0.2))
                for agent in drama.agents:
                    group.create_task(agent.work(enough, pause_seconds=0.2))
                await eventually(lambda: drama.history.acknowledged >= 20, seconds=20)
                async with Stranger(drama, patience_seconds=5) as stranger:
                    fill(disk / "filling")
                    refused = await eventually(lambda: _answers(stranger, REFUSED), seconds=20)
                    (disk / "filling").unlink()
                    taken = await eventually(lambda: _answers(stranger, TAKEN), seconds=30)
                known = drama.history.acknowledged
                await eventually(lambda: drama.history.acknowledged >= known + 20, seconds=30)
                enough.end()
            broken = await drama.verdict()

    assert refused
    assert taken
    assert broken == []


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of its own, in memory, mounted on the folder."""
    if os.geteuid() != 0:
        pytest.skip("a full disk needs a small file system of its own, and only root may mount one")
    folder.mkdir()
    size = f"size={SMALL_DISK_BYTES}"
    mounted = _run("mount", "-t", "tmpfs", "-o", size, "tmpfs", str(folder))
    if mounted.returncode != 0:
        pytest.skip(f"a full disk needs a small file system of its own, and none can be mounted: {mounted.stderr}")
    try:
        yield folder
    finally:
        _run("umount", "--lazy", str(folder)).check_returncode()


def fill(file: Path) -> None:
    """Write until nothing more fits, to the last byte."""
    with file.open("wb", buffering=0) as filling:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while filling.write(b"\xff" * size):
                    pass
            except OSError:
                continue


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - our own words


async def _is_alive(http: httpx.AsyncClient) -> bool:
    try:
        return (await http.get("/healthz")).is_success
    except httpx.HTTPError:
        return False


async def _answers(stranger: Stranger, wanted: dict[str, str]) -> bool:
    answers = await stranger.knock()
    assert answers == wanted
    return True
