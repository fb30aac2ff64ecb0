"""One life of `deskbus up`: started, refused a rival, killed, started again, stopped."""

import asyncio
import socket
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from deskbus.demo.api import Api
from deskbus.demo.seed import Seeded, forget_keys, go_online, seed
from deskbus.web_server import PortTakenError, WebServer
from end_to_end.commands import Commands, Finished
from end_to_end.event_stream import EventStream, ToldEvent
from end_to_end.process import DeskbusProcess

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

STOP_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Life:
    """What was seen in it, from start to end."""

    owners: list[dict[str, Any]]
    modes: dict[str, int]
    rivals: dict[str, Finished]
    seeded: list[tuple[Seeded, dict[str, list[str]]]]
    story: Finished
    traffic: Finished
    answer_after_kill: int
    exit_code: int
    stopped_after_seconds: float
    last_words: list[ToldEvent]
    answers_after_stop: bool
    output: str


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    """Lived once for all tests here: every start takes seconds."""
    folder = tmp_path_factory.mktemp("up")
    process = DeskbusProcess(folder / "home")
    try:
        process.start()
        process.wait_until_ready()
        owners = [process.owner()]
        modes = {name: stat.S_IMODE((process.home / name).stat().st_mode) for name in ("owner.json", "secret.key")}
        with Commands(process.environment) as commands:
            # On its home, and on a home of their own at its doors: starts that cannot work while it runs.
            rivals = {"home": commands.run("up"), "doors": commands.run("up", "--home", str(folder / "other"))}
            seeded = [asyncio.run(_seed(process)) for _ in range(2)]
            story, traffic = commands.run("demo"), commands.run("demo", "--rate", "20", "--seconds", "1")
        process.kill()
        process.start()
        process.wait_until_ready()
        owners.append(process.owner())
        headers = {"Authorization": f"Bearer {owners[0]['api_key']}"}
        answer = httpx.get(f"{process.base_url}/v1/agents/me", headers=headers, timeout=30)
        with EventStream(process.base_url, "/v1/tickets/stream", headers) as stream:
            began = time.monotonic()
            code = process.stop()
            stopped_after_seconds = time.monotonic() - began
            last_words = stream.rest()[-1:]
        yield Life(
            owners=owners,
            modes=modes,
            rivals=rivals,
            seeded=seeded,
            story=story,
            traffic=traffic,
            answer_after_kill=answer.status_code,
            exit_code=code,
            stopped_after_seconds=stopped_after_seconds,
            last_words=last_words,
            answers_after_stop=_answers(process),
            output=process.output,
        )
    finally:
        process.close()


async def _seed(process: DeskbusProcess) -> tuple[Seeded, dict[str, list[str]]]:
    """Add the demonstration's data, and list what is there then."""
    owner = process.owner()
    async with Api(process.base_url, owner["api_key"]) as api:
        seeded = await seed(api)
        await go_online(process.base_url, seeded)
        await forget_keys(api, seeded)
        paths = ("/v1/agents", "/v1/teams", "/v1/schedules", "/v1/macros")
        there = {path: sorted(one["id"] for one in (await api.get(path))["items"]) for path in paths}
        there["numbers"] = sorted((await api.get("/v1/settings/sms"))["numbers"])
        there["online"] = [one["agent_id"] for one in (await api.get("/v1/availability"))["items"] if one["online"]]
    return seeded, there


def _answers(process: DeskbusProcess) -> bool:
    try:
        httpx.get(f"{process.base_url}/healthz", timeout=5)
    except httpx.TransportError:
        return False
    return True


def test_it_says_where_everything_is(life: Life) -> None:
    """One line names API, widget, mail, owner and log; on the way out one line says that it stops."""
    ready = [line for line in life.output.splitlines() if line.startswith("Deskbus is ready: ")]

    assert len(ready) == 1
    assert all(part in ready[0] for part in ("/docs", "/widget-demo", "smtp://", "owner.json", "deskbus.log"))
    assert len(life.output.strip().splitlines()) == 2


def test_secrets_are_private(life: Life) -> None:
    """Key and owner are readable by their user only."""
    assert life.modes == {"owner.json": 0o600, "secret.key": 0o600}


def test_a_second_start_on_the_same_home_is_refused(life: Life) -> None:
    """One line says who runs there and what to do; the exit code is 1."""
    rival = life.rivals["home"]

    assert (rival.code, len(rival.printed.splitlines())) == (1, 1), rival.printed
    assert "already runs" in rival.printed
    assert "DESKBUS_HOME" in rival.printed


def test_a_port_that_is_taken_is_one_clear_line(life: Life) -> None:
    """It names the address and the variable to change, and exits with 1."""
    rival = life.rivals["doors"]

    assert (rival.code, len(rival.printed.splitlines())) == (1, 1), rival.printed
    assert "Address already in use" in rival.printed
    assert "DESKBUS_SMTP_PORT" in rival.printed


async def test_the_web_server_names_its_own_port() -> None:
    """Where the HTTP port is taken, the refusal says which one and how to choose another."""
    with socket.socket() as rival:
        rival.bind(("127.0.0.1", 0))
        rival.listen()
        port = rival.getsockname()[1]
        with pytest.raises(PortTakenError) as refused:
            await WebServer(FastAPI(), host="127.0.0.1", port=port).start()

    assert f"127.0.0.1:{port}" in str(refused.value)
    assert "DESKBUS_HTTP_PORT" in str(refused.value)


def test_demo_data_can_be_added_twice(life: Life) -> None:
    """The second time finds everything there: the same agents, teams, schedules, macros, numbers, all online."""
    (first, there), (second, still_there) = life.seeded

    assert [agent.id for agent in first.agents] == [agent.id for agent in second.agents]
    assert there == still_there
    assert {name: len(found) for name, found in there.items()} == {
        "/v1/agents": 4,
        "/v1/teams": 3,
        "/v1/schedules": 2,
        "/v1/macros": 2,
        "numbers": 1,
        "online": 3,
    }


def test_the_demonstration_accounts_for_every_message(life: Life) -> None:
    """Each message of the story has its verdict, and those that want an answer their ticket and assignee."""
    rows = [line for line in life.story.printed.splitlines() if line.startswith("│")]

    assert life.story.code == 0, life.story.printed
    assert "no verdict" not in life.story.printed
    assert all(channel in life.story.printed for channel in ("mail: order.eml", "SMS: STOP", "chat: "))
    assert [row for row in rows if "chat: " in row and "created" in row and " yes " in row], life.story.printed


def test_steady_traffic_is_accounted_for(life: Life) -> None:
    """`deskbus demo --rate` ends with exit code 0 when every message it sent was accepted and has a verdict."""
    assert life.traffic.code == 0, life.traffic.printed
    assert "sent 20, accepted 20, with a verdict 20" in life.traffic.printed


def test_a_killed_system_starts_again_as_it_was(life: Life) -> None:
    """The lock of the dead is no lock; the owner is the same, and the key still opens."""
    assert life.owners[0] == life.owners[1]
    assert life.answer_after_kill == 200


def test_it_stops_when_told(life: Life) -> None:
    """SIGTERM ends it cleanly, with exit code 0 and within ten seconds, and nobody answers afterwards."""
    assert life.exit_code == 0
    assert life.stopped_after_seconds < STOP_SECONDS
    assert not life.answers_after_stop


def test_open_streams_do_not_hold_it_up(life: Life) -> None:
    """A stream that is open at SIGTERM is told why it ends, well before the HTTP server would lose patience."""
    assert [(told.name, told.data) for told in life.last_words] == [("end", {"reason": "stopping"})]
    assert life.stopped_after_seconds < STOP_SECONDS
