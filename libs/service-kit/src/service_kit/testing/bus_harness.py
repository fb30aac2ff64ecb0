"""What the bus contract needs of an engine, and the events and recorders its tests work with."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import ClassVar, Literal, Protocol

from prometheus_client import CollectorRegistry

from contracts.envelope import Event
from contracts.topic import Topic
from service_kit.bus import Bus, BusUnavailable
from service_kit.bus.patience import Patience
from service_kit.bus.record import Record
from service_kit.errors import PermanentError, TransientError

QUICK = Patience(first_seconds=0.01, longest_seconds=0.05, restart_seconds=0.2)
WITHIN = 20.0
"""Seconds; generous, because a shared machine may be busy. Nothing waits for it to pass."""
MOMENT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


class StepTaken(Event):
    """A walker took a step; steps of one walker are in order."""

    key_field: ClassVar[str] = "walker"

    type: Literal["support.step.taken.v1"] = "support.step.taken.v1"
    walker: str
    step: int
    note: str = ""


class WalkEnded(Event):
    """A walker arrived."""

    key_field: ClassVar[str] = "walker"

    type: Literal["support.walk.ended.v1"] = "support.walk.ended.v1"
    walker: str


class Stumbled(PermanentError):
    """A step that no attempt can ever take."""

    code = "stumbled"


class Tired(TransientError):
    """A step that a later attempt may take."""


class BusHarness(Protocol):
    """An engine under test."""

    comes_back_seconds: float
    """How long the engine may take, on a busy machine, until it takes records again after `kill`."""

    def bus(self, *topics: Topic, patience: Patience = QUICK, registry: CollectorRegistry | None = None) -> Bus:
        """A new bus of the service "tickets", not started."""

    async def append(self, topic: Topic, record: Record) -> None:
        """Write a record past the bus, as a foreign producer might."""

    async def kill(self) -> None:
        """Kill the engine without warning; it comes back by itself."""

    async def take_down(self) -> None:
        """Stop the engine until `bring_up`."""

    async def bring_up(self) -> None:
        """Let it run again."""


def new_topic(*events: type[Event], compacted: bool = False, retention_days: int = 7) -> Topic:
    """A topic that no other test uses, read by the router."""
    return Topic(
        name=f"walks-{secrets.token_hex(6)}-v1",
        summary="Steps.",
        owner="tickets",
        producers=("tickets",),
        consumers=("router",),
        key="walker",
        events=events or (StepTaken,),
        compacted=compacted,
        retention_days=retention_days,
    )


def step(number: int, walker: str = "ann", *, note: str = "") -> StepTaken:
    """The `number`-th step of a walker."""
    identity = f"evt_{walker}_{number}"
    return StepTaken(id=identity, account_id="acc_1", time=MOMENT, walker=walker, step=number, note=note)


def steps(count: int, walker: str = "ann") -> list[StepTaken]:
    """The first steps of a walker."""
    return [step(number, walker) for number in range(count)]


def numbers(events: Sequence[Event], walker: str = "ann") -> list[int]:
    """Which steps of a walker these are, each where it first appears."""
    seen = [event.step for event in events if isinstance(event, StepTaken) and event.walker == walker]
    return list(dict.fromkeys(seen))


@dataclass
class Recorder:
    """A handler that fails as told and remembers what it handled: `judge` raises, or not."""

    judge: Callable[[Sequence[Event]], None] = lambda _: None
    handled: list[Event] = field(default_factory=list)
    calls: int = 0

    async def __call__(self, events: Sequence[Event]) -> None:
        """Handle a batch."""
        self.calls += 1
        self.judge(events)
        self.handled.extend(events)

    def has_handled(self, count: int) -> bool:
        """Whether at least so many were handled."""
        return len(self.handled) >= count


def refuse(*poison: int) -> Callable[[Sequence[Event]], None]:
    """Fail for good whenever one of these steps is in the batch."""

    def judge(events: Sequence[Event]) -> None:
        if any(isinstance(event, StepTaken) and event.step in poison for event in events):
            raise Stumbled("over a stone")

    return judge


@asynccontextmanager
async def running(bus: Bus) -> AsyncIterator[Bus]:
    """The bus, provisioned and started; stopped at the end."""
    await bus.provision()
    await bus.start()
    try:
        yield bus
    finally:
        await bus.stop()


def count(registry: CollectorRegistry, name: str, **labels: str) -> float:
    """A counter of the bus, zero if it was never touched."""
    return registry.get_sample_value(f"deskbus_bus_{name}_total", labels) or 0.0


async def until_unwell(bus: Bus) -> str:
    """Wait for a failing health check; its complaint."""
    async with asyncio.timeout(WITHIN):
        while True:
            try:
                await bus.ping()
            except BusUnavailable as complaint:
                return str(complaint)
            await asyncio.sleep(0.01)


async def until_well(bus: Bus) -> None:
    """Wait for a health check that passes."""
    async with asyncio.timeout(WITHIN):
        while True:
            try:
                await bus.ping()
            except BusUnavailable:
                await asyncio.sleep(0.01)
            else:
                return


async def publish_stubbornly(bus: Bus, events: Sequence[Event], *, seconds: float = 2 * WITHIN) -> None:
    """As an outbox does: the whole, again, until it is confirmed."""
    async with asyncio.timeout(seconds):
        while True:
            try:
                await bus.publish(events)
            except BusUnavailable:
                await asyncio.sleep(0.02)
            else:
                return
