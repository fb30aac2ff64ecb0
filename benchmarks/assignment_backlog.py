"""A backlog: tickets that wait with nobody online, and then everybody comes; made by the services themselves.

Making it takes longer than working it off. Where all that it leaves is in a folder it is made once, and every run gets
a copy.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import router.app
import tickets.app
from benchmarks.account import AGENTS, prepare
from benchmarks.child import Assignment, platform_on
from benchmarks.engine_sets import EngineSet, Fresh
from benchmarks.saturation import ServiceName
from benchmarks.workload import messages
from contracts.inbound import InboundMessageReceived
from router.availability.availability_store import AvailabilityStore
from router.availability.availability_workflow import AvailabilityWorkflow
from router.queue.queued_ticket import QUEUED_TICKETS
from service_kit.auth.credentials import Credentials
from service_kit.docstore import All, Eq, Sort
from service_kit.lifecycle import run_services
from service_kit.outbox import Outbox
from service_kit.platform import Platform
from service_kit.testing.eventually import eventually

ACCOUNT = "acc_bench"

_THREADS_OF_MESSAGES = 2.6
"""Two in five messages of the workload open a thread."""
_PUBLISHED_AT_ONCE = 500
_SETTLED_WITHIN_SECONDS = 900.0
_LOOK_SECONDS = 0.5
_PAGE = 1000


class Backlog:
    """So many waiting tickets. `folder` is for copies, and must be there as long as this is used.

    `wakes` is how many requests for routing wait with them: one for each agent who came.
    """

    wakes = AGENTS

    def __init__(self, engines: EngineSet, count: int, folder: Path) -> None:
        self.count = count
        self._engines = engines
        self._folder = folder
        self._copies = 0

    @asynccontextmanager
    async def fresh(self) -> AsyncIterator[Fresh]:
        """Engines with the backlog, for one run."""
        if not self._engines.is_a_folder:
            async with self._engines.fresh() as fresh:
                await self._fill(fresh)
                yield fresh
            return
        made = self._folder / "made"
        if not made.exists():
            async with self._engines.fresh(made) as fresh:
                await self._fill(fresh)
        self._copies += 1
        home = self._folder / f"copy{self._copies}"
        await asyncio.to_thread(shutil.copytree, made, home)
        async with self._engines.fresh(home) as fresh:
            yield fresh
        await asyncio.to_thread(shutil.rmtree, home)

    async def _fill(self, fresh: Fresh) -> None:
        await prepare(fresh, 0, with_account=True, seed=1)
        await _everybody(fresh, online=False)
        await _leave_waiting(fresh, self.count)
        await _everybody(fresh, online=True)


def assignment_of(fresh: Fresh, service: ServiceName) -> Assignment:
    """How a service runs on engines here, in this process."""
    return Assignment(
        service=service,
        mode="pipeline",
        home=fresh.home,
        bus_url=fresh.bus_url,
        store_url=fresh.store_url,
        redis_url=fresh.redis_url,
        script=fresh.home / "none",
    )


async def _leave_waiting(fresh: Fresh, backlog: int) -> None:
    """So many tickets wait, and all that was to be said of them is said."""
    opening = list(_openers(backlog))
    async with (
        platform_on(assignment_of(fresh, "tickets")) as for_tickets,
        platform_on(assignment_of(fresh, "router")) as for_router,
    ):
        services = [
            (tickets.app.create_service(for_tickets), for_tickets),
            (router.app.create_service(for_router), for_router),
        ]
        async with run_services(services):
            for start in range(0, backlog, _PUBLISHED_AT_ONCE):
                await for_tickets.bus.publish(opening[start : start + _PUBLISHED_AT_ONCE])
            await eventually(_Settling(for_router, backlog).is_over, seconds=_SETTLED_WITHIN_SECONDS)


def _openers(count: int) -> Iterator[InboundMessageReceived]:
    """The messages of the workload that open a thread."""
    seen: set[str] = set()
    for message in messages(ACCOUNT, round(count * _THREADS_OF_MESSAGES) + 50, seed=1, now=datetime.now(UTC)):
        if message.contact_key not in seen and len(seen) < count:
            seen.add(message.contact_key)
            yield message
    if len(seen) < count:
        raise RuntimeError("the workload opened fewer threads than it says")


class _Settling:
    """Looks whether the router knows every ticket, and that tickets has heard that nobody is there: its second event.

    Whatever is settled stays so, and no ticket is read twice: looking must not slow down what is looked at.
    """

    def __init__(self, for_router: Platform, backlog: int) -> None:
        self._queue = for_router.store.collection(QUEUED_TICKETS)
        self._waiting = All(Eq("account_id", ACCOUNT), Eq("is_waiting", value=True))
        self._backlog = backlog
        self._cursor: str | None = None

    async def is_over(self) -> bool:
        """Look once, as far as tickets are settled."""
        if await self._queue.count(self._waiting, at_most=self._backlog) < self._backlog:
            await asyncio.sleep(_LOOK_SECONDS)
            return False
        while True:
            page = await self._queue.find(
                self._waiting, sort=Sort("queued_at"), limit=min(_PAGE, self._backlog), cursor=self._cursor
            )
            if any(ticket.seq == 1 for ticket in page.items):
                await asyncio.sleep(_LOOK_SECONDS)
                return False
            if page.next_cursor is None:
                return True
            self._cursor = page.next_cursor


async def _everybody(fresh: Fresh, *, online: bool) -> None:
    """Every agent who has a switch sets it, while no router runs."""
    async with platform_on(assignment_of(fresh, "router")) as platform:
        switches = AvailabilityStore(platform.store)
        outbox = Outbox(switches.collection, platform.bus, platform.clock)
        workflow = AvailabilityWorkflow(switches, outbox, Credentials(platform.redis, platform.clock), platform.clock)
        await platform.store.start()
        await platform.bus.start()
        for switch in await switches.of_account(ACCOUNT):
            await workflow.declare(ACCOUNT, switch.agent_id, online=online, declared_by="api_key")
        await platform.bus.stop()
        await platform.store.stop()
