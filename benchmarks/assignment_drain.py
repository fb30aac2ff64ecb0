"""Draining a backlog: tickets that wait with nobody online, then everybody comes; and the same by its floor, in turn.

The backlog is made by the services themselves and all of it is settled before anything is timed. Then `tickets` and
`router` start, one process each, on nothing but the news that agents are online, and are timed until every ticket has
its agent. The floor is theirs (`floor.py`): the recorded writes and publishes of such a run, on empty engines.
"""

import asyncio
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import router.app
import tickets.app
from benchmarks.account import prepare
from benchmarks.child import Assignment, platform_on
from benchmarks.engine_sets import EngineSet, Fresh
from benchmarks.recording import Script, load_script
from benchmarks.saturation import Child, Mode, ServiceName, start_child
from benchmarks.workload import messages
from contracts.ids import derive_id
from contracts.inbound import InboundMessageReceived
from contracts.routing import RoutingRequested
from contracts.tickets import TicketAssigned
from contracts.topics import ROUTING_REQUESTS, TICKET_EVENTS
from router.availability.availability_store import AvailabilityStore
from router.availability.availability_workflow import AvailabilityWorkflow
from router.queue.queued_ticket import QUEUED_TICKETS
from service_kit.auth.credentials import Credentials
from service_kit.docstore import All, Eq
from service_kit.docstore.every_page import every
from service_kit.lifecycle import run_services
from service_kit.outbox import Outbox
from service_kit.platform import Platform
from service_kit.testing.eventually import eventually

Tell = Callable[[str], None]

_ACCOUNT = "acc_bench"
_SERVICES: tuple[ServiceName, ...] = ("tickets", "router")
_ASSIGNED = TicketAssigned.model_fields["type"].default
_THREADS_OF_MESSAGES = 2.6
"""Two in five messages of the workload open a thread."""
_PUBLISHED_AT_ONCE = 500
_SETTLED_WITHIN_SECONDS = 900.0
_READY_WITHIN_SECONDS = 120.0
_FINISHED_WITHIN_SECONDS = 600.0
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
        tell("recording")
        await _run(engines, backlog, "record", Path(folder))
        for number in range(repeats):
            for mode in ("pipeline", "floor") if number % 2 == 0 else ("floor", "pipeline"):
                tell(f"{mode} {number + 1} of {repeats}")
                runs.append(await _run(engines, backlog, mode, Path(folder)))
    return runs


async def _run(engines: EngineSet, backlog: int, mode: Mode, scripts: Path) -> DrainRun:
    async with AsyncExitStack() as stack:
        fresh = await stack.enter_async_context(engines.fresh())
        await prepare(fresh, 0, with_account=mode != "floor", seed=1)
        if mode == "floor":
            await _wake(fresh, _wakes(load_script(scripts / "router.json")))
        else:
            await _leave_waiting(fresh, backlog)
            await _everybody(fresh, online=True)
        children = []
        for service in _SERVICES:
            child = await start_child(fresh, service, mode, scripts, None)
            stack.callback(child.close)
            children.append(child)
            # The router last: with its first record the clock begins to run, and tickets must be there to answer.
            async with asyncio.timeout(_READY_WITHIN_SECONDS):
                await child.ready.wait()
        async with asyncio.timeout(_FINISHED_WITHIN_SECONDS):
            await _finished(children, backlog)
        return _measured(mode, [await child.finish() for child in children])


def _measured(mode: Mode, done: Sequence[dict[str, Any]]) -> DrainRun:
    for_tickets, for_router = done
    ended = max(float(end) for end in for_tickets["ended_by_topic"].values())
    return DrainRun(mode, ended - float(for_router["wall_began"]), sum(float(one["cpu_seconds"]) for one in done))


async def _finished(children: Sequence[Child], backlog: int) -> None:
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
        if assigned >= backlog or (assigned and loop.time() - since > _IDLE_SECONDS):
            return
        await asyncio.sleep(0.1)


async def _leave_waiting(fresh: Fresh, backlog: int) -> None:
    """So many tickets wait, all that was to be said of them is said, and nobody is online."""
    await _everybody(fresh, online=False)
    async with (
        platform_on(_assignment(fresh, "tickets")) as for_tickets,
        platform_on(_assignment(fresh, "router")) as for_router,
    ):
        services = [
            (tickets.app.create_service(for_tickets), for_tickets),
            (router.app.create_service(for_router), for_router),
        ]
        async with run_services(services):
            opening = list(_openers(backlog))
            for start in range(0, backlog, _PUBLISHED_AT_ONCE):
                await for_tickets.bus.publish(opening[start : start + _PUBLISHED_AT_ONCE])
            await eventually(lambda: _is_settled(for_router, backlog), seconds=_SETTLED_WITHIN_SECONDS)


def _openers(count: int) -> Iterator[InboundMessageReceived]:
    """The messages of the workload that open a thread."""
    seen: set[str] = set()
    for message in messages(_ACCOUNT, round(count * _THREADS_OF_MESSAGES) + 50, seed=1, now=datetime.now(UTC)):
        if message.contact_key not in seen and len(seen) < count:
            seen.add(message.contact_key)
            yield message
    if len(seen) < count:
        raise RuntimeError("the workload opened fewer threads than it says")


async def _is_settled(for_router: Platform, backlog: int) -> bool:
    """The router knows every ticket, and that tickets has heard that nobody is there: a later event than the first."""
    waiting = All(Eq("account_id", _ACCOUNT), Eq("is_waiting", value=True))
    collection = for_router.store.collection(QUEUED_TICKETS)
    if await collection.count(waiting, at_most=backlog + 1) < backlog:
        await asyncio.sleep(0.5)
        return False
    return all(ticket.seq > 1 for ticket in await every(collection, waiting))


async def _everybody(fresh: Fresh, *, online: bool) -> None:
    """Every agent who has a switch sets it, while no router runs."""
    async with platform_on(_assignment(fresh, "router")) as platform:
        switches = AvailabilityStore(platform.store)
        outbox = Outbox(switches.collection, platform.bus, platform.clock)
        workflow = AvailabilityWorkflow(switches, outbox, Credentials(platform.redis, platform.clock), platform.clock)
        await platform.store.start()
        await platform.bus.start()
        for switch in await switches.of_account(_ACCOUNT):
            await workflow.declare(_ACCOUNT, switch.agent_id, online=online, declared_by="api_key")
        await platform.bus.stop()
        await platform.store.stop()


def _wakes(script: Script) -> int:
    """How many requests for routing a recorded run got that no event of a ticket was behind: agents, and settings."""
    requests = sum(batch.records for batch in script.batches if batch.topic == ROUTING_REQUESTS.name)
    of_tickets = sum(batch.records for batch in script.batches if batch.topic == TICKET_EVENTS.name)
    return requests - of_tickets


async def _wake(fresh: Fresh, count: int) -> None:
    """As many requests as the recorded run got from elsewhere."""
    async with platform_on(_assignment(fresh, "router")) as platform:
        await platform.bus.start()
        await platform.bus.publish(
            [
                RoutingRequested(
                    id=derive_id("rtr", _ACCOUNT, str(number)),
                    account_id=_ACCOUNT,
                    time=datetime.now(UTC),
                    reason="support.agent.availability_changed.v1",
                )
                for number in range(count)
            ]
        )
        await platform.bus.stop()


def _assignment(fresh: Fresh, service: ServiceName) -> Assignment:
    return Assignment(
        service=service,
        mode="pipeline",
        home=fresh.home,
        bus_url=fresh.bus_url,
        store_url=fresh.store_url,
        redis_url=fresh.redis_url,
        script=fresh.home / "none",
    )
