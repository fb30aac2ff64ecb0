import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from contracts.envelope import Event
from service_kit.bus import BusUnavailable, Subscription
from service_kit.bus.codec import EventCodec
from service_kit.bus.dead_letter import Verdict
from service_kit.bus.metrics import BusMetrics
from service_kit.bus.patience import Patience
from service_kit.bus.record import Record
from service_kit.bus.settlement import Halted, Outcome, Settled, Settlement
from service_kit.testing.bus_harness import Recorder, StepTaken, Stumbled, Tired, new_topic, numbers, refuse, step

TOPIC = new_topic(StepTaken)
CODEC = EventCodec([TOPIC], source="tickets")
BROKEN = Record("acc_1/ann", b"{", {"ce_type": "support.step.taken.v1"})
UNKNOWN = Record("acc_1/ann", b"{}", {"ce_type": "support.step.undone.v9"})


@dataclass
class Desk:
    """One settlement with everything it touches in plain sight."""

    recorder: Recorder
    max_attempts: int = 3
    dead_letter_limit: int = 1000
    is_stopping: bool = False
    dead: list[tuple[str, Verdict]] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)
    set_aside_fails: int = 0

    def __post_init__(self) -> None:
        self.settlement = Settlement(
            Subscription(
                TOPIC,
                "router",
                self.recorder,
                max_attempts=self.max_attempts,
                dead_letter_limit=self.dead_letter_limit,
            ),
            decode=lambda record: CODEC.decode(TOPIC, record),
            set_aside=self._set_aside,
            pause=self._pause,
            jitter=lambda: 0.0,
            patience=Patience(first_seconds=1.0, longest_seconds=3.0),
            metrics=BusMetrics(CollectorRegistry()),
        )

    async def _set_aside(self, record: Record, verdict: Verdict) -> None:
        if self.set_aside_fails:
            self.set_aside_fails -= 1
            raise BusUnavailable("no dead letters now")
        self.dead.append((record.position, verdict))

    async def _pause(self, seconds: float) -> bool:
        self.waited.append(seconds)
        return not self.is_stopping

    def settle(self, records: Sequence[Record]) -> Outcome:
        """Settle a batch whose positions are its indices."""
        placed = [replace(record, position=str(index)) for index, record in enumerate(records)]
        return asyncio.run(self.settlement.settle(placed))

    @property
    def dead_positions(self) -> list[int]:
        """Where the dead letters lay in their batch."""
        return [int(position) for position, _ in self.dead]


def batch(count: int) -> list[Record]:
    """The records of the first steps."""
    return [CODEC.encode(step(number)) for number in range(count)]


def raising(error: Exception, *, times: int) -> Callable[[Sequence[Event]], None]:
    """Fail so often, then never again."""
    left = [error] * times

    def judge(_: Sequence[Event]) -> None:
        if left:
            raise left.pop()

    return judge


@settings(deadline=None, max_examples=60)
@given(size=st.integers(1, 40), data=st.data())
def test_exactly_the_culprits_are_set_aside(size: int, data: st.DataObject) -> None:
    """Whatever the culprits and broken records: exactly those are dead-lettered, the rest handled, all in order."""
    positions = st.sets(st.integers(0, size - 1))
    culprits, broken = data.draw(positions), data.draw(positions)
    desk = Desk(Recorder(refuse(*culprits)))
    records = [BROKEN if index in broken else record for index, record in enumerate(batch(size))]

    outcome = desk.settle(records)

    assert outcome == Settled()
    assert desk.dead_positions == sorted(culprits | broken)
    handled = [event.step for event in desk.recorder.handled if isinstance(event, StepTaken)]
    assert handled == [index for index in range(size) if index not in culprits | broken]


@settings(deadline=None, max_examples=60)
@given(size=st.integers(1, 40), data=st.data())
def test_only_what_is_settled_may_be_committed(size: int, data: st.DataObject) -> None:
    """When it halts, all before the named place was handled or set aside once, and nothing from there on was."""
    culprits = data.draw(st.sets(st.integers(0, size - 1)))
    wall = data.draw(st.integers(0, size - 1).filter(lambda index: index not in culprits) if culprits else st.just(0))
    permanent = refuse(*culprits)

    def judge(events: Sequence[Event]) -> None:
        permanent(events)
        if wall in numbers(events):
            raise Tired("at the wall")

    desk = Desk(Recorder(judge))

    outcome = desk.settle(batch(size))

    assert isinstance(outcome, Halted)
    assert outcome.settled <= wall
    done = sorted(desk.dead_positions + [event.step for event in desk.recorder.handled if isinstance(event, StepTaken)])
    assert done == list(range(outcome.settled))


def test_one_culprit_costs_few_calls() -> None:
    """One culprit in a thousand is found in some twenty calls."""
    desk = Desk(Recorder(refuse(777)))

    desk.settle(batch(1000))

    assert desk.recorder.calls <= 22


@pytest.mark.parametrize(
    "error",
    [
        Tired("uphill"),
        ConnectionRefusedError(),
        TimeoutError(),
        ExceptionGroup("two tasks", [Stumbled("over a stone"), Tired("uphill")]),
    ],
    ids=repr,
)
def test_passing_errors_are_retried_in_place(error: Exception) -> None:
    """Transient errors, and those of the network that nobody named, are tried again with growing pauses."""
    desk = Desk(Recorder(raising(error, times=2)))

    outcome = desk.settle(batch(3))

    assert outcome == Settled()
    assert numbers(desk.recorder.handled) == [0, 1, 2]
    assert desk.waited == [0.5, 1.0]
    assert desk.dead == []


def test_exhausted() -> None:
    """When the last attempt fails the subscription halts with the batch uncommitted, and says after how many."""
    desk = Desk(Recorder(raising(Tired("uphill"), times=99)))

    outcome = desk.settle(batch(3))

    assert outcome == Halted(0, "Tired after 3 attempts")
    assert desk.recorder.calls == 3
    assert desk.dead == []


def test_stopping_ends_retries() -> None:
    """A bus that stops does not wait out the backoff: the batch stays uncommitted."""
    desk = Desk(Recorder(raising(Tired("uphill"), times=1)), is_stopping=True)

    outcome = desk.settle(batch(3))

    assert outcome == Halted(0, "Tired after 1 attempts")
    assert desk.recorder.calls == 1


def test_unexpected_error() -> None:
    """A bug in a handler is permanent too; the dead letter names the error's type and never its text."""
    desk = Desk(Recorder(raising(KeyError("ann@example.com"), times=1)))

    desk.settle(batch(1))

    assert desk.dead == [("0", Verdict("unexpected", "KeyError", attempts=1))]


def test_attempts_are_counted() -> None:
    """A dead letter tells how often its record was tried."""
    errors = [Stumbled("at last"), Tired("uphill"), Tired("uphill")]

    def judge(_: Sequence[Event]) -> None:
        raise errors.pop()

    desk = Desk(Recorder(judge))

    desk.settle(batch(1))

    assert desk.dead == [("0", Verdict("stumbled", "Stumbled", attempts=3))]


def test_dead_letter_that_cannot_be_written() -> None:
    """A record whose dead letter cannot be written is not lost: the subscription halts before it."""
    desk = Desk(Recorder(refuse(1)), set_aside_fails=3)

    outcome = desk.settle(batch(3))

    assert outcome == Halted(1, "BusUnavailable while writing a dead letter")
    assert numbers(desk.recorder.handled) == [0]


def test_dead_letter_that_is_written_late() -> None:
    """Writing a dead letter is retried as handling is."""
    desk = Desk(Recorder(refuse(1)), set_aside_fails=2)

    outcome = desk.settle(batch(3))

    assert outcome == Settled()
    assert desk.dead_positions == [1]


def test_limit_counts_over_batches() -> None:
    """The limit counts dead letters in a row, over batches; one that succeeds between them starts the count anew."""
    desk = Desk(Recorder(refuse(0, 1)), dead_letter_limit=3)

    first = desk.settle(batch(2))
    second = desk.settle(batch(3))
    third = desk.settle(batch(2))

    assert first == Settled()
    assert second == Halted(1, "3 dead letters in a row")
    assert third == Halted(0, "3 dead letters in a row")
    assert len(desk.dead) == 3


def test_success_ends_a_row() -> None:
    """Dead letters among successes never reach the limit."""
    desk = Desk(Recorder(refuse(0, 2, 4, 6)), dead_letter_limit=2)

    outcome = desk.settle(batch(8))

    assert outcome == Settled()
    assert desk.dead_positions == [0, 2, 4, 6]


def test_unknown_types_need_no_handler() -> None:
    """A batch of nothing but unknown types is settled without a call."""
    desk = Desk(Recorder())

    outcome = desk.settle([UNKNOWN, UNKNOWN])

    assert outcome == Settled()
    assert desk.recorder.calls == 0
