"""Deciding once, whatever fails in between and however many replicas are at it: the workflow on a real store."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from contracts.directories import AgentEntry
from contracts.envelope import Event
from contracts.people import Actor
from contracts.routing import AssignmentDecided, RoutingRequested
from contracts.settings import AssignmentSettings
from contracts.tickets import TicketCreated, TicketFacts
from router.assigning.account_facts import ANSWERING_ROLES
from router.assigning.appraisal import AccountFacts
from router.assigning.assigner_store import AssignerStore
from router.assigning.assignment_workflow import AssignmentWorkflow
from router.assigning.decision_store import DecisionStore
from router.queue.queue_store import QueueStore
from router.queue.rekey import routing_request
from router.teams.teams import default_team
from service_kit.bus import BusUnavailable
from service_kit.docstore import DocStore
from service_kit.errors import TransientError
from service_kit.outbox import Outbox
from service_kit.testing.manual_clock import ManualClock
from service_kit.testing.platforms import PlatformFactory

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
AGENTS = ("ann", "bob", "cas")


class Wire:
    """The bus as far as the workflow publishes: it remembers, and can be cut before or after it took something."""

    def __init__(self) -> None:
        self.published: list[AssignmentDecided] = []
        self.fails_before = 0
        self.fails_after = 0

    async def publish(self, events: Sequence[Event]) -> None:
        """Take events, unless cut."""
        if self.fails_before:
            self.fails_before -= 1
            raise BusUnavailable("cut before")
        self.published += [event for event in events if isinstance(event, AssignmentDecided)]
        if self.fails_after:
            self.fails_after -= 1
            raise BusUnavailable("cut after")

    def decided(self) -> dict[str, set[str | None]]:
        """Whom the decisions name, by ticket."""
        named: dict[str, set[str | None]] = {}
        for decision in self.published:
            named.setdefault(decision.ticket_id, set()).add(decision.agent_id)
        return named


class Facts:
    """An account in which everybody is online."""

    async def read(self, account_id: str, contact_ids: frozenset[str]) -> AccountFacts:
        """The same for every ticket."""
        await asyncio.sleep(0)
        return AccountFacts(
            settings=AssignmentSettings(),
            schedule=None,
            teams=(default_team(account_id, NOON),),
            agents=[AgentEntry(id=name, name=name, email=f"{name}@acme.example", role="support") for name in AGENTS],
            online=frozenset(AGENTS),
            answering_roles=ANSWERING_ROLES,
            segments={},
        )


def _created(number: int) -> RoutingRequested:
    ticket = TicketFacts(
        id=f"t{number}",
        number=number,
        channel="email",
        status="open",
        contact_id="con",
        assignment_epoch=1,
        version=1,
        created_at=NOON,
        cycle_opened_at=NOON,
    )
    created = TicketCreated(
        id=f"evt_{number}",
        account_id="acc",
        time=NOON,
        ticket_id=ticket.id,
        seq=1,
        actor=Actor(kind="system"),
        cause="test",
        ticket=ticket,
    )
    return routing_request(created)


class Replica:
    """One router of several, on the one store."""

    def __init__(self, store: DocStore, wire: Wire, *, skew: timedelta = timedelta(0)) -> None:
        self.clock = ManualClock(NOON + skew)
        self.assigners = AssignerStore(store)
        self.queue = QueueStore(store)
        self.decisions = DecisionStore(store)
        self.outbox = Outbox(self.assigners.collection, wire, self.clock, load=self.decisions.keep)
        self.workflow = AssignmentWorkflow(self.assigners, self.queue, Facts(), self.outbox, self.clock)

    async def handle_until_done(self, requests: Sequence[RoutingRequested]) -> None:
        """As the bus does: again after each transient failure."""
        for _ in range(50):
            try:
                await self.workflow.handle(requests)
            except TransientError:
                continue
            return
        raise AssertionError("never done")


@pytest.fixture
def wire() -> Wire:
    """What is published."""
    return Wire()


@pytest_asyncio.fixture
async def store(make_platform: PlatformFactory) -> DocStore:
    """A store of real documents."""
    return make_platform("router").store


@pytest.mark.parametrize("cut", ["fails_before", "fails_after"])
async def test_a_failure_between_deciding_and_telling_changes_no_decision(
    store: DocStore, wire: Wire, cut: str
) -> None:
    """The decision was written: redelivery tells the same one, dealt one turn, and explains it once."""
    replica = Replica(store, wire)
    await store.start()
    setattr(wire, cut, 1)

    with pytest.raises(BusUnavailable):
        await replica.workflow.handle([_created(1)])
    await replica.workflow.handle([_created(1)])
    await replica.workflow.handle([_created(1)])

    assigner = await replica.assigners.of_account("acc")
    kept = await replica.decisions.of_ticket("acc", "t1", limit=10, cursor=None)
    await store.stop()
    assert {decision.id for decision in wire.published} == set(assigner.pending) == {one.id for one in kept.items}
    assert (len(assigner.pending), assigner.decided, assigner.outbox) == (1, 1, ())


async def test_the_relay_tells_and_explains_what_a_crash_left(store: DocStore, wire: Wire) -> None:
    """Nobody redelivers for a while: two seconds later the decision leaves all the same, explained."""
    replica = Replica(store, wire)
    await store.start()
    wire.fails_before = 1
    with pytest.raises(BusUnavailable):
        await replica.workflow.handle([_created(1)])

    replica.clock.advance(timedelta(seconds=3))
    await replica.outbox.relay()

    kept = await replica.decisions.of_ticket("acc", "t1", limit=10, cursor=None)
    await store.stop()
    assert wire.decided() == {"t1": {"ann"}}
    assert [record.chosen for record in kept.items] == ["ann"]


async def test_three_replicas_decide_each_ticket_once_and_evenly(store: DocStore, wire: Wire) -> None:
    """Overlapping deliveries to three replicas at once, with failures: one decision each, max - min at most 1 (A2)."""
    replicas = [Replica(store, wire) for _ in range(3)]
    await store.start()
    wire.fails_before, wire.fails_after = 2, 2
    requests = [_created(number) for number in range(40)]

    await asyncio.gather(
        *(
            replica.handle_until_done(requests[begin : begin + 12])
            for offset, replica in enumerate(replicas)
            for begin in range(4 * offset, 40, 9)
        ),
        replicas[0].handle_until_done(requests),
    )

    decided = wire.decided()
    await store.stop()
    counts = Counter(name for names in decided.values() for name in names)
    assert len(decided) == 40
    assert all(len(names) == 1 for names in decided.values())
    assert max(counts.values()) - min(counts.values()) <= 1


async def test_replicas_whose_clocks_differ_decide_once_and_evenly(store: DocStore, wire: Wire) -> None:
    """Minutes apart, and one of them stepping back and forth: turns are counted, not timed (A2)."""
    replicas = [Replica(store, wire, skew=timedelta(minutes=minutes)) for minutes in (-4, 0, 4)]
    await store.start()
    requests = [_created(number) for number in range(30)]

    for number, request in enumerate(requests):
        replicas[1].clock.move_to(NOON + timedelta(minutes=3 if number % 2 else -3))
        await asyncio.gather(*(replica.handle_until_done([request]) for replica in replicas))

    decided = wire.decided()
    await store.stop()
    counts = Counter(name for names in decided.values() for name in names)
    assert {len(names) for names in decided.values()} == {1}
    assert counts == dict.fromkeys(AGENTS, 10)
