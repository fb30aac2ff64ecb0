import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import cast

import pytest
from fastapi import FastAPI
from structlog.testing import capture_logs

from service_kit.bus import Bus
from service_kit.docstore import DocStore
from service_kit.lifecycle import StartFailed, StopFailed, run_services
from service_kit.platform import Platform
from service_kit.service import Service


class Diary:
    """Notes what happens, in order; what is in `breaks` fails instead."""

    def __init__(self, *breaks: str) -> None:
        self.notes: list[str] = []
        self.breaks = breaks

    async def note(self, what: str) -> None:
        """Note it, or fail."""
        await asyncio.sleep(0)
        if what in self.breaks:
            raise OSError(f"no {what} today")
        self.notes.append(what)


class Noting:
    """A part, a bus or a store that only notes what is asked of it."""

    def __init__(self, diary: Diary, name: str) -> None:
        self._diary = diary
        self._name = name

    async def start(self) -> None:
        """Note it."""
        await self._diary.note(f"+{self._name}")

    async def stop_consuming(self) -> None:
        """Note it."""
        await self._diary.note(f"-{self._name} consumers")

    async def stop(self) -> None:
        """Note it."""
        await self._diary.note(f"-{self._name}")


@pytest.fixture
def pair(make_platform: Callable[[str], Platform]) -> Callable[[str, Diary], tuple[Service, Platform]]:
    """Makes a service whose every part notes what is asked of it."""

    def make(name: str, diary: Diary) -> tuple[Service, Platform]:
        def part(kind: str) -> Noting:
            return Noting(diary, f"{name} {kind}")

        service = Service(
            name=name,
            api=FastAPI(),
            prefixes=(),
            prepare=[lambda: diary.note(f"{name} prepares")],
            doors=[part("door")],
            workers=[part("worker")],
        )
        platform = replace(make_platform(name), bus=cast("Bus", part("bus")), store=cast("DocStore", part("store")))
        return service, platform

    return make


Pair = Callable[[str, Diary], tuple[Service, Platform]]


async def test_the_order_of_starting_and_stopping(pair: Pair):
    """Stores, buses, preparation, workers, doors, HTTP; down: doors, HTTP, consumers, workers, buses, stores."""
    diary = Diary()
    async with run_services([pair("a", diary), pair("b", diary)], http=[Noting(diary, "http")]):
        await diary.note("running")

    assert diary.notes == [
        *("+a store", "+b store", "+a bus", "+b bus", "a prepares", "b prepares"),
        *("+a worker", "+b worker", "+a door", "+b door", "+http"),
        "running",
        *("-a door", "-b door", "-http", "-a bus consumers", "-b bus consumers"),
        *("-a worker", "-b worker", "-a bus", "-b bus", "-a store", "-b store"),
    ]


@pytest.mark.parametrize("broken", ["+b store", "+b bus", "b prepares", "+b worker", "+b door", "+http"])
async def test_a_failed_start_unwinds_what_had_begun(pair: Pair, broken: str):
    """Whatever cannot start, all that had started is stopped again, in order, and the error names the culprit."""
    diary = Diary(broken)
    with pytest.raises(StartFailed, match=r"(b: |http ).*could not start: OSError: no"):
        async with run_services([pair("a", diary), pair("b", diary)], http=[Noting(diary, "http")]):
            await diary.note("running")
    started = [note[1:] for note in diary.notes if note.startswith("+")]
    stopped = [note[1:] for note in diary.notes if note.startswith("-") and "consumers" not in note]

    assert "running" not in diary.notes
    assert sorted(started) == sorted(stopped)
    assert stopped[-1].endswith("store")


async def test_an_error_while_running_stops_everything(pair: Pair):
    """The body's own error comes through after an orderly stop."""
    diary = Diary("-a worker")
    with pytest.raises(KeyError), capture_logs() as logs:
        async with run_services([pair("a", diary)]):
            raise KeyError("body")

    assert diary.notes[-1] == "-a store"
    assert [line["event"] for line in logs] == ["stop_failed"]


async def test_cancellation_stops_everything(pair: Pair):
    """A cancelled process, too, closes its doors before its stores."""
    diary = Diary()
    running = asyncio.Event()

    async def run() -> None:
        async with run_services([pair("a", diary)]):
            running.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(run())
    await running.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert diary.notes[-5:] == ["-a door", "-a bus consumers", "-a worker", "-a bus", "-a store"]


async def test_a_failed_stop_does_not_keep_the_others_from_stopping(pair: Pair):
    """Every part is stopped; those that failed to are named at the end."""
    diary = Diary("-a door", "-b bus")
    with pytest.raises(StopFailed, match=r"a: door 1 \(Noting\), b: bus"), capture_logs():
        async with run_services([pair("a", diary), pair("b", diary)]):
            await diary.note("running")

    assert diary.notes[-3:] == ["-a bus", "-a store", "-b store"]
