"""Saturation: a topic filled beforehand, worked off by one process a service, and the same by its floor, in turn."""

import asyncio
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from redis.asyncio import Redis

from benchmarks.account import prepare
from benchmarks.child import Assignment
from benchmarks.engine_sets import EngineSet, Fresh
from benchmarks.share import Share
from contracts.tickets import TicketAssigned, TicketCreated
from contracts.topics import INBOUND_MESSAGES

Mode = Literal["pipeline", "record", "floor"]
ServiceName = Literal["tickets", "router"]

_FINISHED_WITHIN_SECONDS = 300.0
_CREATED = TicketCreated.model_fields["type"].default
_ASSIGNED = TicketAssigned.model_fields["type"].default
_IDLE_SECONDS = 5.0
_LINE_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Scenario:
    """Which services work, each in so many processes, on how many messages."""

    services: tuple[ServiceName, ...]
    messages: int
    replicas: int = 1
    seed: int = 1

    @property
    def name(self) -> str:
        """As tables call it."""
        return "+".join(self.services)


@dataclass(frozen=True, slots=True)
class Run:
    """One run: what each process counted, by service, and what the bus's engine counted."""

    mode: Mode
    messages: int
    processes: dict[str, list[dict[str, Any]]]
    engine_calls: dict[str, int]

    @property
    def seconds(self) -> float:
        """From the first message handed to tickets until the last that tickets had to settle."""
        mine = self.processes["tickets"]
        ended = max(float(end) for one in mine for end in one["ended_by_topic"].values())
        return ended - min(float(one["wall_began"]) for one in mine if one["wall_began"])

    def cpu_micros(self, service: str) -> float:
        """Processor time per message."""
        return sum(float(one["cpu_seconds"]) for one in self.processes[service]) / self.messages * 1e6

    def published(self, event_type: str) -> int:
        """How often tickets published events of this type."""
        return sum(int(one["published"].get(event_type, 0)) for one in self.processes["tickets"])

    def per_message(self, service: str, kind: str) -> float:
        """Calls of a port per message: `store` or `bus`."""
        return float(sum(sum(one[kind].values()) for one in self.processes[service])) / self.messages


class Child:
    """One measured process and the newest of what it said."""

    def __init__(self, process: asyncio.subprocess.Process, service: str) -> None:
        self.service = service
        self.process = process
        self.said: dict[str, Any] = {"handled": {}, "published": {}}
        self._reading = asyncio.create_task(self._read())
        self.ready = asyncio.Event()

    async def _read(self) -> None:
        if self.process.stdout is None:
            raise RuntimeError("a child's output must be piped")
        async for line in self.process.stdout:
            said = json.loads(line)
            if "ready" in said:
                self.ready.set()
            self.said |= said

    async def finish(self) -> dict[str, Any]:
        """Tell it to stop; what it counted."""
        if self.process.stdin is None:
            raise RuntimeError("a child's input must be piped")
        self.process.stdin.close()
        await self.process.wait()
        await self._reading
        if "done" not in self.said:
            raise RuntimeError(f"a process of {self.service} ended with {self.process.returncode}")
        return dict(self.said["done"])

    def close(self) -> None:
        """End it whatever it does."""
        if self.process.returncode is None:
            self.process.kill()


async def measure(
    engines: EngineSet,
    scenario: Scenario,
    *,
    repeats: int,
    tell: Callable[[str], None],
    profile: Path | None = None,
) -> list[Run]:
    """A recorded run that counts for nothing, then pipeline and floor in turn; the runs that count."""
    runs = []
    with tempfile.TemporaryDirectory(prefix="deskbus-bench-") as folder:
        scripts = Path(folder)
        tell("recording")
        recorded = await _run(engines, scenario, "record", scripts)
        opened = recorded.published(_CREATED)
        for number in range(repeats):
            for mode in ("pipeline", "floor") if number % 2 == 0 else ("floor", "pipeline"):
                tell(f"{mode} {number + 1} of {repeats}")
                runs.append(await _run(engines, scenario, mode, scripts, opened=opened))
        if profile is not None:
            tell("profiling")
            await _run(engines, scenario, "pipeline", scripts, opened=opened, profile=profile)
    return runs


async def _run(
    engines: EngineSet,
    scenario: Scenario,
    mode: Mode,
    scripts: Path,
    *,
    opened: int | None = None,
    profile: Path | None = None,
) -> Run:
    async with AsyncExitStack() as stack:
        fresh = await stack.enter_async_context(engines.fresh())
        await prepare(fresh, scenario.messages, with_account=mode != "floor", seed=scenario.seed)
        before = await _engine_calls(fresh)
        children = []
        for service in scenario.services:
            replicas = 1 if mode == "record" else scenario.replicas
            for number in range(replicas):
                share = Share(number=number, of=replicas)
                child = await start_child(fresh, service, mode, scripts, profile, share=share)
                stack.callback(child.close)
                children.append(child)
        async with asyncio.timeout(_FINISHED_WITHIN_SECONDS):
            await _finished(children, scenario, mode, opened)
        processes: dict[str, list[dict[str, Any]]] = {service: [] for service in scenario.services}
        for child in children:
            processes[child.service].append(await child.finish())
        after = await _engine_calls(fresh)
        calls = {name: count - before.get(name, 0) for name, count in after.items() if count > before.get(name, 0)}
        return Run(mode, scenario.messages, processes, calls)


async def start_child(
    fresh: Fresh,
    service: ServiceName,
    mode: Mode,
    scripts: Path,
    profile: Path | None,
    *,
    has_past: bool = False,
    share: Share = Share(),  # noqa: B008 - it is frozen
) -> Child:
    """One measured process, started."""
    assignment = Assignment(
        service=service,
        mode=mode,
        home=fresh.home,
        bus_url=fresh.bus_url,
        store_url=fresh.store_url,
        redis_url=fresh.redis_url,
        script=scripts / f"{service}.json",
        profile=profile.with_name(f"{profile.name}.{service}") if profile else None,
        has_past=has_past,
        share=share,
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.child",
        assignment.model_dump_json(),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=_LINE_BYTES,
    )
    return Child(process, service)


async def _finished(children: Sequence[Child], scenario: Scenario, mode: Mode, opened: int | None) -> None:
    """Wait for the end. A floor is also at its end when it has nothing left to replay."""
    loop = asyncio.get_running_loop()
    before, since = "", loop.time()
    while True:
        if any(child.process.returncode is not None for child in children):
            raise RuntimeError("a measured process ended early; what it said is above")
        now = json.dumps([child.said for child in children])
        before, since = (before, since) if now == before else (now, loop.time())
        is_idle = mode == "floor" and _is_taken_in(children, scenario) and loop.time() - since > _IDLE_SECONDS
        if is_idle or _is_finished(children, scenario, opened):
            return
        await asyncio.sleep(0.1)


def _is_taken_in(children: Sequence[Child], scenario: Scenario) -> bool:
    taken_in = (int(child.said["handled"].get(INBOUND_MESSAGES.name, 0)) for child in children)
    return sum(taken_in) >= scenario.messages


def _is_finished(children: Sequence[Child], scenario: Scenario, opened: int | None) -> bool:
    """All messages are in; and with the router, every ticket that was opened is assigned.

    How many are `opened` is known from the recorded run, whose one process publishes each event once: of two replicas
    both may publish what an outbox holds.
    """
    mine = [child.said for child in children if child.service == "tickets"]
    if not _is_taken_in(children, scenario):
        return False
    if opened is None:
        opened = sum(int(said["published"].get(_CREATED, 0)) for said in mine)
    assigned = sum(int(said["published"].get(_ASSIGNED, 0)) for said in mine)
    return "router" not in scenario.services or assigned >= opened


async def _engine_calls(fresh: Fresh) -> dict[str, int]:
    """Commands that Valkey has executed, by name; it is the bus only where no other is named."""
    redis = Redis.from_url(fresh.redis_url)
    try:
        stats = await redis.info("commandstats")
    finally:
        await redis.aclose()
    return {name.removeprefix("cmdstat_"): int(value["calls"]) for name, value in stats.items()}
