"""What a sitting reads, and what it leaves behind: no more than the next one needs."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from contracts.directories import AgentEntry
from contracts.envelope import Event
from contracts.routing import AssignmentDecided, RoutingRequested
from contracts.settings import AssignmentSettings
from contracts.tickets import TicketAssigned, TicketCreated, TicketFacts
from router.assigning.account_facts import ANSWERING_ROLES
from router.assigning.appraisal import AccountFacts
from router.assigning.assigner_store import AssignerStore
from router.assigning.assignment_workflow import AssignmentWorkflow
from router.assigning.decision_store import DecisionStore
from router.queue.queue_store import QueueStore
from router.teams.teams import default_team
from service_kit.docstore import DocStore
from service_kit.outbox import Outbox
from service_kit.testing.manual_clock import ManualClock
from service_kit.testing.platforms import PlatformFactory

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
AGENTS = ("ann", "bob")


@dataclass
class Office:
    """An account, and whose segments were asked for. `meanwhile` happens when it is read for the second time."""

    online: frozenset[str] = frozenset()
    asked: list[frozenset[str]] = field(default_factory=list)
    meanwhile: Callable[[], Awaitable[None]] | None = None

    async def read(self, account_id: str, contact_ids: frozenset[str]) -> AccountFacts:
        """The facts as they are now."""
        self.asked.append(contact_ids)
        if self.meanwhile is not None and len(self.asked) == 2:
            await self.meanwhile()
        return AccountFacts(
            settings=AssignmentSettings(),
            schedule=None,
            teams=(default_team(account_id, NOON),),
            agents=[AgentEntry(id=name, name=name, email=f"{name}@acme.example", role="support") for name in AGENTS],
            online=self.online,
            answering_roles=ANSWERING_ROLES,
            segments={},
        )


@dataclass
class Router:
    """The workflow on a real store, and what it has published."""

    workflow: AssignmentWorkflow
    assigners: AssignerStore
    office: Office
    decisions: Sequence[AssignmentDecided]


class Wire(list[AssignmentDecided]):
    """The bus as far as the workflow publishes."""

    async def publish(self, events: Sequence[Event]) -> None:
        """Remember decisions."""
        self.extend(event for event in events if isinstance(event, AssignmentDecided))


def _router_on(store: DocStore, wire: Wire) -> Router:
    """One replica, whose account has nobody online."""
    clock, office = ManualClock(NOON), Office()
    assigners, decisions = AssignerStore(store), DecisionStore(store)
    outbox = Outbox(assigners.collection, wire, clock, load=decisions.keep)
    return Router(AssignmentWorkflow(assigners, QueueStore(store), office, outbox, clock), assigners, office, wire)


@pytest_asyncio.fixture
async def replicas(make_platform: PlatformFactory) -> AsyncIterator[tuple[Router, Router]]:
    """Two routers on one store."""
    store, wire = make_platform("router").store, Wire()
    both = _router_on(store, wire), _router_on(store, wire)
    await store.start()
    yield both
    await store.stop()


@pytest.fixture
def router(replicas: tuple[Router, Router]) -> Router:
    """The only one that works."""
    return replicas[0]


def _told(kind: type[Event], number: int, seq: int, *, decision: AssignmentDecided | None = None) -> RoutingRequested:
    facts = TicketFacts(
        id=f"t{number}",
        number=number,
        channel="email",
        status="open",
        assignee_id=decision.agent_id if decision else None,
        contact_id=f"con{number}",
        assignment_epoch=1,
        version=seq,
        created_at=NOON,
        cycle_opened_at=NOON,
    )
    return RoutingRequested(
        id=f"rtr_{number}_{seq}",
        account_id="acc",
        time=NOON,
        reason=kind.model_fields["type"].default,
        ticket=facts,
        ticket_seq=seq,
        decision_id=decision.id if decision else None,
    )


def _wake(number: int) -> RoutingRequested:
    return RoutingRequested(id=f"rtr_wake_{number}", account_id="acc", time=NOON, reason="somebody came")


async def test_only_whoever_waits_is_routed(router: Router) -> None:
    """Segments are asked for of tickets that may go to a team now, and of no others (A1)."""
    router.office.online = frozenset(AGENTS)
    await router.workflow.handle([_told(TicketCreated, 0, 1)])
    await router.workflow.handle([_told(TicketAssigned, 0, 2, decision=router.decisions[0])])

    assert router.office.asked == [{"con0"}, frozenset()]


async def test_what_was_written_is_not_noted_for_long(router: Router) -> None:
    """While a queue is worked off, notes on load end with the next page, and the counts stay right (A7)."""
    await router.workflow.handle([_told(TicketCreated, number, 1) for number in range(6)])
    router.office.online = frozenset(AGENTS)
    await router.workflow.handle([_wake(1)])
    given = [one for one in router.decisions if one.agent_id is not None]
    answers = [_told(TicketAssigned, int(one.ticket_id[1:]), 2, decision=one) for one in given]
    await router.workflow.handle([*answers, _wake(2)])

    assigner = await router.assigners.of_account("acc")
    assert [one.ticket_id for one in given] == [f"t{number}" for number in range(6)]
    assert assigner.load.open == {"ann": {"email": 3}, "bob": {"email": 3}}
    assert (assigner.load.ahead, assigner.pending, assigner.has_more) == ({}, {}, False)


async def test_a_page_notices_who_decided_since_the_sitting_before_it(replicas: tuple[Router, Router]) -> None:
    """It goes on with the assigner as it was left, and begins anew when another replica was faster: once each (A6)."""
    mine, other = replicas
    await mine.workflow.handle([_told(TicketCreated, number, 1) for number in range(6)])
    mine.office.asked.clear()
    mine.office.online = other.office.online = frozenset(AGENTS)
    mine.office.meanwhile = lambda: other.workflow.handle([_wake(2)])
    await mine.workflow.handle([_wake(1)])

    given = [(one.ticket_id, one.agent_id) for one in mine.decisions if one.agent_id is not None]
    assigner = await mine.assigners.of_account("acc")
    assert given == [(f"t{number}", AGENTS[number % 2]) for number in range(6)]
    assert (len(mine.office.asked), len(assigner.pending), assigner.decided) == (3, 6, 6)
