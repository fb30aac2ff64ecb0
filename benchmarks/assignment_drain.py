"""Draining a backlog: tickets that wait with nobody online, then everybody comes; and the same by its floor, in turn.

All of the backlog is settled before anything is timed (`assignment_backlog.py`). Then `tickets` and
`router` start, one process each, on nothing but the news that agents are online, and are timed until every ticket has
its agent. The floor is theirs (`floor.py`): the recorded writes and publishes of such a run, on the same backlog.
"""

import asyncio
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.assignment_backlog import ACCOUNT, Backlog, assignment_of
from benchmarks.child import platform_on
from benchmarks.engine_sets import EngineSet, Fresh
from benchmarks.recording import Script, load_script
from benchmarks.saturation import Child, Mode, ServiceName, start_child
from contracts.ids import derive_id
from contracts.routing import RoutingRequested
from contracts.tickets import TicketAssigned
from contracts.topics import ROUTING_REQUESTS, TICKET_EVENTS

Tell = Callable[[str], None]

_SERVICES: tuple[ServiceName, ...] = ("tickets", "router")
_ASSIGNED = TicketAssigned.model_fields["type"].default
_READY_WITHIN_SECONDS = 120.0
_FINISHED_WITHIN_SECONDS = 300.0
_IDLE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class DrainRun:
    """One run: how long it took from the first record handed to the router, and the processor time of both."""

    mode: Mode
    seconds: float
    cpu_seconds: float


async def measure_drain(engines: EngineSet, backlog: int, repeats: int, tell: Tell) -> list[DrainRun]:
    """A recorded run that counts for nothing, then pipeline and floor in turn; the runs that count."""
    runs = []
    with tempfile.TemporaryDirectory(prefix="deskbus-bench-") as folder:
        tell(f"leaving {backlog:,} tickets waiting, and a recorded run")
        drain = _Drain(engines, Backlog(engines, backlog, Path(folder)), Path(folder), tell)
        await drain.run("record")
        for number in range(repeats):
            for mode in ("pipeline", "floor") if number % 2 == 0 else ("floor", "pipeline"):
                tell(f"{mode} {number + 1} of {repeats}")
                runs.append(await drain.run(mode))
    return runs


@dataclass(frozen=True, slots=True)
class _Drain:
    """Runs of one backlog; `scripts` is the folder of what a recorded run wrote."""

    engines: EngineSet
    backlog: Backlog
    scripts: Path
    tell: Tell

    async def run(self, mode: Mode) -> DrainRun:
        """One run from its engines' start to their end, of which the work alone is measured."""
        began = time.monotonic()
        async with AsyncExitStack() as stack:
            fresh = await stack.enter_async_context(self.backlog.fresh())
            if mode == "floor":
                await _wake(fresh, _wakes(load_script(self.scripts / "router.json")) - self.backlog.wakes)
            children = []
            for service in _SERVICES:
                child = await start_child(fresh, service, mode, self.scripts, None, has_past=True)
                stack.callback(child.close)
                children.append(child)
                # The router last: with its first record the clock begins to run, and tickets must be there to answer.
                async with asyncio.timeout(_READY_WITHIN_SECONDS):
                    await child.ready.wait()
            async with asyncio.timeout(_FINISHED_WITHIN_SECONDS):
                await _finished(children, self.backlog.count, is_floor=mode == "floor")
            run = _measured(mode, [await child.finish() for child in children])
        self.tell(f"{mode}: {run.seconds:.1f} s of {time.monotonic() - began:.0f} s, engines and backlog included")
        return run


def _measured(mode: Mode, done: Sequence[dict[str, Any]]) -> DrainRun:
    for_tickets, for_router = done
    ended = max(float(end) for end in for_tickets["ended_by_topic"].values())
    return DrainRun(mode, ended - float(for_router["wall_began"]), sum(float(one["cpu_seconds"]) for one in done))


async def _finished(children: Sequence[Child], backlog: int, *, is_floor: bool) -> None:
    """Every ticket is assigned; a floor may also have nothing left to replay."""
    loop = asyncio.get_running_loop()
    before, since = "", loop.time()
    while True:
        if any(child.process.returncode is not None for child in children):
            raise RuntimeError("a measured process ended early; what it said is above")
        published = [child.said["published"] for child in children]
        assigned = sum(int(one.get(_ASSIGNED, 0)) for one in published)
        now = json.dumps(published)
        before, since = (before, since) if now == before else (now, loop.time())
        if assigned >= backlog or (is_floor and assigned and loop.time() - since > _IDLE_SECONDS):
            return
        await asyncio.sleep(0.1)


def _wakes(script: Script) -> int:
    """How many requests for routing a recorded run got that no event of a ticket was behind: agents, and settings."""
    requests = sum(batch.records for batch in script.batches if batch.topic == ROUTING_REQUESTS.name)
    of_tickets = sum(batch.records for batch in script.batches if batch.topic == TICKET_EVENTS.name)
    return requests - of_tickets


async def _wake(fresh: Fresh, count: int) -> None:
    """So many requests that no event of a ticket is behind: here no service is started that makes them."""
    async with platform_on(assignment_of(fresh, "router")) as platform:
        await platform.bus.start()
        await platform.bus.publish(
            [
                RoutingRequested(
                    id=derive_id("rtr", ACCOUNT, str(number)),
                    account_id=ACCOUNT,
                    time=datetime.now(UTC),
                    reason="support.agent.availability_changed.v1",
                )
                for number in range(count)
            ]
        )
        await platform.bus.stop()
