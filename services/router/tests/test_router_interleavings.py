"""Automatic and manual assignment, closing, waking and redelivery in any order: one writer, one winner (A6)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.directories import AgentEntry
from contracts.routing import AssignmentDecided, RoutingRequested
from contracts.settings import AssignmentSettings, Capacity
from contracts.tickets import TicketFacts
from router.assigning.account_facts import ANSWERING_ROLES
from router.assigning.appraisal import AccountFacts
from router.assigning.assigner import Assigner
from router.assigning.assignment import decide_called, decide_page
from router.assigning.observation import observe
from router.queue.queued_ticket import QueuedTicket
from router.teams.teams import default_team

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
AGENTS = ("ann", "bob", "cas")


@dataclass
class Everything:
    """The router's state, the tickets as tickets keeps them, and what is on its way between the two."""

    assigner: Assigner = field(default_factory=lambda: Assigner(id="acc"))
    queue: dict[str, QueuedTicket] = field(default_factory=dict)
    tickets: dict[str, TicketFacts] = field(default_factory=dict)
    seqs: dict[str, int] = field(default_factory=dict)
    requests: list[RoutingRequested] = field(default_factory=list)
    handled: int = 0
    decisions: list[AssignmentDecided] = field(default_factory=list)
    answered: set[str] = field(default_factory=set)
    online: set[str] = field(default_factory=set)
    now: datetime = NOON
    limit: int | None = None

    def say(self, ticket_id: str, what: str, *, decision_id: str | None = None, **changes: Any) -> None:
        """Tickets changes a ticket and says so."""
        seq = self.seqs[ticket_id] = self.seqs.get(ticket_id, 0) + 1
        facts = self.tickets[ticket_id] = self.tickets[ticket_id].model_copy(update=changes)
        self.ask(f"support.ticket.{what}.v1", ticket=facts, ticket_seq=seq, decision_id=decision_id)

    def ask(self, reason: str, **fields: Any) -> None:
        """A request goes to the router."""
        number = len(self.requests)
        self.requests.append(
            RoutingRequested(id=f"rtr_{number}", account_id="acc", time=self.now, reason=reason, **fields)
        )

    def create(self, which: int) -> None:
        """A customer writes; a ticket that is there already stays as it is."""
        ticket_id = f"t{which}"
        if ticket_id not in self.tickets:
            self.tickets[ticket_id] = TicketFacts(
                id=ticket_id,
                number=which,
                channel="email",
                status="open",
                contact_id="con",
                assignment_epoch=1,
                version=1,
                created_at=self.now,
                cycle_opened_at=self.now,
            )
            self.say(ticket_id, "created")

    def by_hand(self, which: int, what: str) -> None:
        """A person does something to a ticket; every such act ends the decisions before it."""
        ticket_id = f"t{which}"
        if ticket_id not in self.tickets:
            return
        outcomes: dict[str, dict[str, Any]] = {
            "assigned": {"assignee_id": AGENTS[which % len(AGENTS)], "held": False},
            "unassigned": {"assignee_id": None, "held": True},
            "closed": {"status": "closed"},
            "reopened": {"status": "open", "assignee_id": None, "held": False},
            "snoozed": {"status": "snoozed"},
        }
        epoch = self.tickets[ticket_id].assignment_epoch + 1
        self.say(ticket_id, what, assignment_epoch=epoch, **outcomes[what])

    def switch(self, which: int) -> None:
        """An agent comes or goes."""
        agent_id = AGENTS[which % len(AGENTS)]
        self.online ^= {agent_id}
        self.ask("support.agent.availability_changed.v1", agent_id=agent_id)

    def deliver(self, count: int) -> None:
        """The router handles what is next."""
        batch = self.requests[self.handled : self.handled + 1 + count]
        self.handled += len(batch)
        self.handle(batch)

    def redeliver(self, which: int) -> None:
        """Something the router handled already arrives once more."""
        if self.handled:
            self.handle([self.requests[which % self.handled]])

    def handle(self, batch: Sequence[RoutingRequested]) -> None:
        """As the workflow does, without a store."""
        if not batch:
            return
        facts = self._facts()
        seen = observe(self.assigner, self.queue, batch)
        touched = {request.ticket.id for request in batch if request.ticket}
        outcome = decide_called(
            seen.assigner,
            self._in_line(seen.tickets, touched),
            facts,
            self.now,
            frees_capacity=seen.frees_capacity,
        )
        self._take(outcome)
        while self.assigner.has_more and self.assigner.room:
            waiting = {ticket_id for ticket_id, ticket in self.queue.items() if ticket.is_waiting}
            self._take(
                decide_page(self.assigner, self._in_line(self.queue, waiting), facts, self.now, more_follow=False)
            )

    def answer(self, which: int) -> None:
        """Tickets judges one of the decisions on their way, also one it has judged before."""
        if not self.decisions:
            return
        decision = self.decisions[which % len(self.decisions)]
        if decision.id in self.answered:
            return
        self.answered.add(decision.id)
        facts = self.tickets[decision.ticket_id]
        fits = decision.assignment_epoch == facts.assignment_epoch
        if fits and facts.status == "open" and facts.assignee_id is None and not facts.held:
            self.say(decision.ticket_id, "assigned", decision_id=decision.id, assignee_id=decision.agent_id)
        else:
            self.say(decision.ticket_id, "assignment_refused", decision_id=decision.id)

    def settle(self) -> None:
        """Until nothing is on its way any more."""
        while self.handled < len(self.requests) or len(self.answered) < len(self.decisions):
            self.deliver(len(self.requests))
            for number in range(len(self.decisions)):
                self.answer(number)

    def _take(self, outcome: Any) -> None:
        self.assigner = outcome.assigner
        self.queue |= {ticket.ticket_id: ticket for ticket in outcome.tickets}
        self.decisions += outcome.decisions

    def _in_line(self, tickets: Any, ids: set[str]) -> list[QueuedTicket]:
        return sorted((tickets[one] for one in ids), key=lambda ticket: (ticket.queued_at, ticket.ticket_id))

    def _facts(self) -> AccountFacts:
        return AccountFacts(
            settings=AssignmentSettings(capacity=Capacity(per_agent=self.limit)),
            schedule=None,
            teams=(default_team("acc", NOON),),
            agents=[AgentEntry(id=name, name=name, email=f"{name}@acme.example", role="support") for name in AGENTS],
            online=frozenset(self.online),
            answering_roles=ANSWERING_ROLES,
            segments={},
        )


_acts = st.one_of(
    st.tuples(st.just("create"), st.integers(0, 5)),
    st.tuples(st.sampled_from(["assigned", "unassigned", "closed", "reopened", "snoozed"]), st.integers(0, 5)),
    st.tuples(st.sampled_from(["switch", "deliver", "redeliver", "answer"]), st.integers(0, 8)),
)


def _played(acts: Sequence[tuple[str, int]], *, limit: int | None = None) -> Everything:
    everything = Everything(limit=limit)
    for act, which in acts:
        everything.now += timedelta(seconds=1)
        if act in {"create", "switch", "deliver", "redeliver", "answer"}:
            getattr(everything, act)(which)
        else:
            everything.by_hand(which, act)
    everything.settle()
    return everything


@settings(max_examples=400)
@given(st.lists(_acts, max_size=40))
def test_no_interleaving_decides_twice_or_forgets_a_ticket(acts: list[tuple[str, int]]) -> None:
    """Whatever happens in whatever order: once quiet, whoever can be assigned is, and no decision is left open."""
    after = _played(acts)

    chosen = [decision for decision in after.decisions if decision.agent_id]
    free = {
        facts.id
        for facts in after.tickets.values()
        if facts.status == "open" and facts.assignee_id is None and not facts.held
    }
    assert after.assigner.pending == {}
    assert not after.assigner.has_more
    assert len({decision.id for decision in chosen}) == len(chosen)
    assert len({(decision.ticket_id, decision.assignment_epoch) for decision in chosen}) == len(chosen)
    assert free == {ticket_id for ticket_id, ticket in after.queue.items() if ticket.is_waiting}
    assert not (free and after.online)


@settings(max_examples=200)
@given(acts=st.lists(_acts, max_size=25), copies=st.lists(st.integers(0, 1_000), max_size=30))
def test_redelivering_everything_changes_nothing(acts: list[tuple[str, int]], copies: list[int]) -> None:
    """Once quiet, any old request may come again: no decision, no turn, no place in the queue changes."""
    after = _played(acts)
    about_tickets = [request for request in after.requests if request.ticket]
    before = (after.assigner, dict(after.queue), list(after.decisions))

    for copy in copies if about_tickets else ():
        after.handle([about_tickets[copy % len(about_tickets)]])

    assert (after.assigner, after.queue, after.decisions) == before


def _open_of_each(everything: Everything) -> dict[str, int]:
    """How many open tickets each agent has, as tickets would count them."""
    assignees = [facts.assignee_id for facts in everything.tickets.values() if facts.status == "open"]
    return Counter(agent_id for agent_id in assignees if agent_id)


@settings(max_examples=200)
@given(acts=st.lists(_acts, max_size=40), limit=st.integers(0, 2))
def test_load_is_what_tickets_has_and_nobody_waits_for_an_agent_with_room(
    acts: list[tuple[str, int]], limit: int
) -> None:
    """Once quiet: the load equals the tickets counted one by one, and whoever waits finds everybody full (A5, A7)."""
    after = _played(acts, limit=limit)

    counted = {agent_id: sum(counts.values()) for agent_id, counts in after.assigner.load.open.items()}
    waiting = [ticket for ticket in after.queue.values() if ticket.is_waiting]
    assert counted == _open_of_each(after)
    assert not waiting or all(counted.get(agent_id, 0) >= limit for agent_id in after.online)
