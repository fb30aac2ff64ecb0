"""Reply, assign, close and an automatic assignment of one ticket at two replicas, in a thousand orders of single steps.

Every read and write of the store, and every publishing, waits for its turn; a seeded choice says whose it is. So a
test covers what two processes can do to each other between any two of their steps, and a failure can be repeated.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
import pytest_asyncio

from contracts.envelope import Event
from contracts.outbound import OutboundMessageRequested
from contracts.routing import AssignmentDecided
from contracts.tickets import TicketAssigned, TicketAssignmentRefused, TicketEvent
from service_kit.auth import EVERY_SCOPE, Principal
from service_kit.docstore import CollectionSpec, Eq
from service_kit.platform import Platform
from service_kit.problem import Problem
from service_kit.settings_copies import SettingsCopies
from service_kit.testing.manual_clock import ManualClock
from tickets.contacts.contact_model import Contact
from tickets.contacts.contact_store import ContactStore
from tickets.life.decisions import Decisions
from tickets.life.ticket_actions import TicketActions
from tickets.life.ticket_edits import Assignee, TicketEdits
from tickets.people.agent_directory import AgentLookup
from tickets.people.agent_store import AgentStore
from tickets.people.agents import Agent
from tickets.privacy.block_store import BlockStore
from tickets.privacy.erasure_blobs import ErasureBlobs
from tickets.ticket.desk import Desk
from tickets.ticket.history import History
from tickets.ticket.history_store import HistoryStore
from tickets.ticket.mail_ids import SignedIds
from tickets.ticket.message_store import MessageStore
from tickets.ticket.model import MESSAGES, TICKETS, Message, Ticket
from tickets.ticket.rules import RulesReader
from tickets.ticket.ticket_store import TicketStore
from tickets.writing.attachments import Attachments
from tickets.writing.publication import Publication
from tickets.writing.writing import Draft, Writing

pytestmark = pytest.mark.laws

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
INTERLEAVINGS = 500
"""In each of two tests."""

AT_ONCE = 50
HANDS_ON = 10
"""Turns of the event loop in which what got its answer comes to its next step."""

ANN, BEN = "agt_1", "agt_2"
_ACTOR: ContextVar[str] = ContextVar("actor")


class Turnstile:
    """Lets one step happen at a time; `trace` says whose steps they were. Each time others are slow and others fast."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._speeds: dict[str, float] = {}
        self._waiting: list[tuple[str, asyncio.Future[None]]] = []
        self._is_done = asyncio.Event()
        self.trace: list[str] = []

    @asynccontextmanager
    async def step(self) -> AsyncIterator[None]:
        """Wait for the turn of whoever acts here; the next turn comes when the context ends."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((_ACTOR.get(), turn))
        await turn
        try:
            yield
        finally:
            self._is_done.set()

    async def play(self, acts: Mapping[str, Coroutine[Any, Any, object]]) -> dict[str, object]:
        """Let all act at once, step by step; what each came to: its result, or the Problem it met."""
        self._speeds = {name: self._chance.random() ** 3 for name in acts}
        tasks = {name: asyncio.create_task(self._act(name, act)) for name, act in acts.items()}
        while not all(task.done() for task in tasks.values()):
            for _ in range(HANDS_ON):
                await asyncio.sleep(0)
            if self._waiting:
                await self._let_one_through()
        return {name: task.result() for name, task in tasks.items()}

    async def _let_one_through(self) -> None:
        names = sorted({name for name, _ in self._waiting})
        (chosen,) = self._chance.choices(names, [self._speeds[name] for name in names])
        place = next(at for at, (name, _) in enumerate(self._waiting) if name == chosen)
        _, turn = self._waiting.pop(place)
        self.trace.append(chosen)
        self._is_done.clear()
        turn.set_result(None)
        await self._is_done.wait()

    async def _act(self, name: str, act: Coroutine[Any, Any, object]) -> object:
        _ACTOR.set(name)
        try:
            return await act
        except Problem as problem:
            return problem


class SteppedCollection:
    """A real collection whose every call is a step."""

    def __init__(self, collection: Any, turnstile: Turnstile) -> None:
        self._collection = collection
        self._turnstile = turnstile

    def __getattr__(self, name: str) -> Callable[..., Coroutine[Any, Any, Any]]:
        method = getattr(self._collection, name)

        async def call(*given: Any, **named: Any) -> Any:
            async with self._turnstile.step():
                return await method(*given, **named)

        return call


@dataclass
class SteppedEngines:
    """The real store, and the records that were published, in their order."""

    store: Any
    turnstile: Turnstile
    published: list[Event] = field(default_factory=list)

    def collection(self, spec: CollectionSpec[Any]) -> Any:
        """A collection, step by step."""
        return SteppedCollection(self.store.collection(spec), self.turnstile)

    async def publish(self, events: Sequence[Event]) -> None:
        """Publishing is a step as well."""
        async with self.turnstile.step():
            self.published += events


class Replica:
    """What agents and the router's decisions go through in one process."""

    def __init__(self, platform: Platform, copies: SettingsCopies, store: Any, bus: Any) -> None:
        clock, signed = platform.clock, SignedIds(platform.signer)
        messages, contacts, histories = MessageStore(store), ContactStore(store), HistoryStore(store)
        agents = AgentLookup(AgentStore(store))
        publication = Publication(messages, histories, ErasureBlobs(messages, BlockStore(store), platform.blobs), clock)
        self.desk = Desk(TicketStore(store), History(histories), publication, bus, clock)
        self.writing = Writing(self.desk, messages, contacts, agents, Attachments(platform.blobs), signed, clock)
        self.actions = TicketActions(self.desk, TicketEdits(agents, copies, RulesReader(copies), clock))
        self.decisions = Decisions(self.desk, agents, clock)


@dataclass(frozen=True)
class Outcome:
    """One interleaving and what came of it: of each actor, of the ticket, and what was told, by the events' numbers."""

    trace: tuple[str, ...]
    results: Mapping[str, object]
    ticket: Ticket
    messages: Sequence[Message]
    history: Sequence[tuple[int, str]]
    published: Sequence[Event]

    @property
    def accepted(self) -> list[str]:
        """The people whose acts were carried out."""
        return [name for name, result in self.results.items() if name != "router" and not isinstance(result, Problem)]

    @property
    def told(self) -> list[TicketEvent]:
        """The ticket's events as they were published first, in that order."""
        first = dict[int, TicketEvent]()
        for event in self.published:
            if isinstance(event, TicketEvent):
                first.setdefault(event.seq, event)
        return list(first.values())

    @property
    def names(self) -> list[str]:
        """Who did what, in the order of the events."""
        return [_author(event) for event in sorted(self.told, key=lambda event: event.seq)]


def _author(event: TicketEvent) -> str:
    if isinstance(event, TicketAssigned | TicketAssignmentRefused) and event.decision_id:
        return "router" if isinstance(event, TicketAssigned) else "router refused"
    return {"message_added": "reply", "assigned": "assign", "closed": "close"}[event.type.split(".")[2]]


@dataclass(frozen=True)
class Bench:
    """The embedded store, started, with two agents and a customer in it."""

    platform: Platform
    copies: SettingsCopies
    make_ticket: Callable[..., Ticket]

    async def interleaved(self, *, seen: bool) -> list[Outcome]:
        """Tickets that everybody acts on at once; `seen`: people say which version they saw (L6)."""
        outcomes: list[Outcome] = []
        for first in range(0, INTERLEAVINGS, AT_ONCE):
            seeds = range(first, min(first + AT_ONCE, INTERLEAVINGS))
            outcomes += await asyncio.gather(*(self._play(seed, seen=seen) for seed in seeds))
        return outcomes

    async def _play(self, seed: int, *, seen: bool) -> Outcome:
        ticket = self.make_ticket(id=f"tic_{seed}", number=seed + 1)
        await self.platform.store.collection(TICKETS).insert_many([ticket])
        turnstile = Turnstile(Random(seed))  # noqa: S311 - reproducible on purpose
        engines = SteppedEngines(self.platform.store, turnstile)
        one, two = (Replica(self.platform, self.copies, engines, engines) for _ in range(2))
        expected = ticket.version if seen else None
        decision = _decision(ticket)
        results = await turnstile.play(
            {
                "reply": one.writing.reply(
                    _agent(ANN), ticket.id, Draft("Here."), expected=expected, request_id=f"req-{seed}"
                ),
                "assign": two.actions.assign(_agent(ANN), ticket.id, Assignee(BEN), expected),
                "close": one.actions.close(_agent(BEN), ticket.id, expected),
                "router": two.decisions.settle([decision]),
                "router again": one.decisions.settle([decision]),
            }
        )
        del results["router again"]
        return await self._outcome(turnstile, results, ticket.id, engines.published)

    async def _outcome(
        self, turnstile: Turnstile, results: Mapping[str, object], ticket_id: str, published: Sequence[Event]
    ) -> Outcome:
        store = self.platform.store
        ticket = await store.collection(TICKETS).get(ticket_id)
        assert ticket is not None
        messages = (await store.collection(MESSAGES).find(Eq("ticket_id", ticket_id))).items
        page = await History(HistoryStore(store)).page(ticket, limit=50, cursor=None)
        history = [(event.seq, event.type) for event in page.items]
        return Outcome(tuple(turnstile.trace), results, ticket, messages, history, published)


def _decision(ticket: Ticket) -> AssignmentDecided:
    return AssignmentDecided(
        id=f"dec_{ticket.id}",
        account_id=ticket.account_id,
        time=NOON,
        ticket_id=ticket.id,
        assignment_epoch=ticket.assignment_epoch,
        agent_id=ANN,
        rule="round_robin",
    )


def _agent(agent_id: str) -> Principal:
    return Principal(
        account_id="acc_1",
        kind="agent",
        agent_id=agent_id,
        role="support",
        scopes=frozenset({EVERY_SCOPE}),
        credential_id=f"ses_{agent_id}",
    )


async def _hire(platform: Platform, agent_id: str) -> None:
    login = f"{agent_id}@acme.example"
    agent = Agent(
        id=agent_id,
        account_id="acc_1",
        name=agent_id,
        email=login,
        role="support",
        login=login,
        password_hash="none",
        created_at=NOON,
        updated_at=NOON,
    )
    await AgentStore(platform.store).insert(agent)


@pytest_asyncio.fixture
async def bench(make_platform: Callable[..., Platform], make_ticket: Callable[..., Ticket]) -> AsyncIterator[Bench]:
    """The store alone: nothing here goes over a bus."""
    platform = make_platform("tickets", clock=ManualClock(NOON))
    copies = SettingsCopies(platform, "tickets", areas=("tickets",))
    Replica(platform, copies, platform.store, platform.bus)  # declares the collections
    await platform.store.start()
    for agent_id in (ANN, BEN):
        await _hire(platform, agent_id)
    carl = Contact(id="con_1", account_id="acc_1", emails=("carl@customer.example",), created_at=NOON, updated_at=NOON)
    await ContactStore(platform.store).write([carl])
    yield Bench(platform, copies, make_ticket)
    await platform.store.stop()


def _in_order(outcome: Outcome) -> None:
    """Events and messages are numbered without a gap, alike in the history and on the bus, and all have left (L5)."""
    numbers = list(range(1, outcome.ticket.event_seq + 1))
    places = list(range(1, outcome.ticket.next_seq))
    assert [seq for seq, _ in outcome.history] == numbers, outcome.trace
    assert [event.seq for event in outcome.told] == numbers, outcome.trace
    assert [event.type for event in outcome.told] == [kind for _, kind in outcome.history], outcome.trace
    assert [message.seq for message in outcome.messages] == places, outcome.trace
    assert outcome.ticket.outbox == (), outcome.trace


async def test_of_those_who_saw_the_same_ticket_one_wins(bench: Bench) -> None:
    """The first person is the only one carried out (L6); the router's decision never after a person chose (A6)."""
    outcomes = await bench.interleaved(seen=True)

    for outcome in outcomes:
        refused = [result for result in outcome.results.values() if isinstance(result, Problem)]
        _in_order(outcome)
        assert outcome.names in (
            ["router"],
            ["reply", "router"],
            ["assign", "router refused"],
            ["close", "router refused"],
        ), outcome.trace
        assert outcome.accepted == [name for name in outcome.names if name in outcome.results and name != "router"]
        assert {problem.status for problem in refused} <= {412}, outcome.trace
    assert {outcome.names[0] for outcome in outcomes} == {"router", "reply", "assign", "close"}
    assert len({outcome.trace for outcome in outcomes}) > INTERLEAVINGS * 0.9


async def test_whoever_insists_is_carried_out_once_each(bench: Bench) -> None:
    """Without a version everybody is carried out, each with one event; the router never after a person chose (A6)."""
    outcomes = await bench.interleaved(seen=False)

    for outcome in outcomes:
        _in_order(outcome)
        router = next(name for name in outcome.names if name.startswith("router"))
        people_chose = min(outcome.names.index("assign"), outcome.names.index("close"))
        sent = {event.id for event in outcome.published if isinstance(event, OutboundMessageRequested)}
        assert sorted(outcome.names) == sorted(["reply", "assign", "close", router]), outcome.trace
        assert (router == "router") is (outcome.names.index(router) < people_chose), outcome.trace
        assert (outcome.ticket.assignee_id, outcome.ticket.status) == (BEN, "closed"), outcome.trace
        assert (len(sent), len(outcome.messages)) == (1, 1), outcome.trace
    assert Counter(len(outcome.accepted) for outcome in outcomes) == {3: INTERLEAVINGS}
    assert len({tuple(outcome.names) for outcome in outcomes}) > 20
