"""Assigns waiting tickets: load, decide, save; one compare-and-swap of the assigner is the act.

Nothing else decides. A decision is made once the assigner is written; everything after that (the explanation, the
event, the tickets' places in the queue) follows from what was written, and is done again after a crash.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import structlog

from contracts.envelope import Event
from contracts.routing import AssignmentDecided, RoutingRequested
from contracts.settings import SettingsChanged
from router.assigning.appraisal import AccountFacts
from router.assigning.assigner import Assigner
from router.assigning.assigner_store import AssignerStore
from router.assigning.assignment import DECISIONS_PER_SITTING, Outcome, decide_called, decide_page
from router.assigning.observation import observe
from router.queue.departures import left_behind
from router.queue.queue_store import QueueStore
from router.queue.queued_ticket import QueuedTicket
from service_kit.clock import Clock
from service_kit.crash_points import crash_point
from service_kit.errors import TransientError
from service_kit.outbox import Outbox, with_events

_ATTEMPTS = 8
_SETTINGS = SettingsChanged.model_fields["type"].default

logger = structlog.get_logger()


class AssignerContended(TransientError):
    """Another replica kept deciding for the same account in between."""


class FactsSource(Protocol):
    """Where the workflow learns what an account looks like now."""

    async def read(self, account_id: str, contact_ids: frozenset[str]) -> AccountFacts:
        """The facts, with the segments of these contacts.

        Raises:
            TransientError: the account is not fully known here yet.
        """


@dataclass(frozen=True, slots=True)
class Docket:
    """What one sitting is about: the assigner as `before` it and after what was observed, and the tickets.

    `stored` holds the tickets as they are stored, `tickets` those to look at, first come first served. `is_page`
    says that they are one page of the whole queue, else they are those something happened to; without `next_cursor`
    it is the last page. `frees_capacity`: what was observed left somebody with less to do.
    """

    before: Assigner
    assigner: Assigner
    stored: Mapping[str, QueuedTicket]
    tickets: Sequence[QueuedTicket]
    frees_capacity: bool = False
    is_page: bool = False
    next_cursor: str | None = None

    @property
    def contact_ids(self) -> frozenset[str]:
        """Whose segments matter: those of tickets that may be routed."""
        return frozenset(ticket.contact_id for ticket in self.tickets if ticket.is_waiting)


@dataclass(frozen=True, slots=True)
class Sitting:
    """One sitting as it was written, and the assigner as it is stored since."""

    docket: Docket
    outcome: Outcome
    assigner: Assigner

    @property
    def copies(self) -> Mapping[str, QueuedTicket]:
        """The tickets that were looked at, as they are stored since."""
        return {ticket.ticket_id: ticket for ticket in self.outcome.tickets}


class AssignmentWorkflow:
    """Handles what may let tickets be assigned, account by account."""

    def __init__(
        self,
        assigners: AssignerStore,
        queue: QueueStore,
        facts: FactsSource,
        outbox: Outbox[Assigner],
        clock: Clock,
    ) -> None:
        self._assigners = assigners
        self._queue = queue
        self._facts = facts
        self._outbox = outbox
        self._clock = clock

    async def handle(self, events: Sequence[Event]) -> None:
        """Handle routing requests of any accounts, in order."""
        by_account: dict[str, list[RoutingRequested]] = {}
        for event in events:
            if isinstance(event, RoutingRequested):
                by_account.setdefault(event.account_id, []).append(event)
        for account_id, requests in by_account.items():
            await self._handle_account(account_id, requests)

    async def _handle_account(self, account_id: str, requests: Sequence[RoutingRequested]) -> None:
        if any(request.reason == _SETTINGS for request in requests):
            await self._hand_back(account_id)
        sitting = await self._sit(account_id, partial(self._called, requests=requests))
        cursor: str | None = None
        while sitting.assigner.has_more and sitting.assigner.room:
            in_turn = partial(self._next_in_queue, cursor=cursor, written=sitting.copies)
            sitting = await self._sit(account_id, in_turn, known=sitting.assigner)
            cursor = cursor if sitting.outcome.is_cut_short else sitting.docket.next_cursor

    async def _hand_back(self, account_id: str) -> None:
        """Somebody may have left: their open tickets go back, page by page."""
        facts = await self._facts.read(account_id, frozenset())
        assigner = await self._assigners.of_account(account_id)
        for agent_id in left_behind(facts.agents, assigner.load):
            sitting = await self._sit(account_id, partial(self._of_agent, agent_id=agent_id, cursor=None))
            while (cursor := sitting.docket.next_cursor) is not None:
                sitting = await self._sit(account_id, partial(self._of_agent, agent_id=agent_id, cursor=cursor))

    async def _of_agent(self, before: Assigner, agent_id: str, cursor: str | None) -> Docket:
        """The next page of what an agent has open."""
        page = await self._queue.open_of(before.id, agent_id, limit=DECISIONS_PER_SITTING, cursor=cursor)
        stored = {ticket.ticket_id: ticket for ticket in page.items}
        return Docket(before, before, stored, page.items, next_cursor=page.next_cursor)

    async def _called(self, before: Assigner, requests: Sequence[RoutingRequested]) -> Docket:
        """The tickets that requests are about."""
        ticket_ids = {request.ticket.id for request in requests if request.ticket is not None}
        ticket_ids |= {request.ticket_id for request in requests if request.ticket_id is not None}
        stored = await self._queue.get_many(before.id, ticket_ids | before.load.ahead.keys())
        seen = observe(before, stored, requests)
        tickets = sorted(seen.tickets.values(), key=lambda ticket: (ticket.queued_at, ticket.ticket_id))
        return Docket(
            before=before,
            assigner=seen.assigner,
            stored=stored,
            tickets=tickets,
            frees_capacity=seen.frees_capacity,
        )

    async def _next_in_queue(self, before: Assigner, cursor: str | None, written: Mapping[str, QueuedTicket]) -> Docket:
        """The next page of the queue; what was just `written` of others need not be noted, nor read for it, again."""
        page = await self._queue.waiting(before.id, limit=DECISIONS_PER_SITTING, cursor=cursor)
        stored = {ticket.ticket_id: ticket for ticket in page.items}
        return Docket(
            before=before,
            assigner=before.model_copy(update={"load": before.load.caught_up(written, but=())}),
            stored=stored,
            tickets=page.items,
            is_page=True,
            next_cursor=page.next_cursor,
        )

    async def _sit(
        self, account_id: str, gather: Callable[[Assigner], Awaitable[Docket]], *, known: Assigner | None = None
    ) -> Sitting:
        """Gather, decide and write. `known`: as the last sitting left the assigner; who wrote since is noticed then."""
        for _ in range(_ATTEMPTS):
            before, known = known or await self._cleared(account_id), None
            docket = await gather(before)
            facts = await self._facts.read(account_id, docket.contact_ids)
            outcome = self._decide(docket, facts)
            written = await self._write(docket, outcome)
            if written is not None:
                crash_point("router.decision_saved")
                await self._queue.save(_changed(docket, outcome))
                (published,) = await self._outbox.publish([written])
                return Sitting(docket, outcome, published)
        raise AssignerContended(f"the assigner of account {account_id} is being written by too many")

    async def _cleared(self, account_id: str) -> Assigner:
        """The assigner as stored, once all that it had to tell is told."""
        (assigner,) = await self._outbox.publish([await self._assigners.of_account(account_id)])
        return assigner

    def _decide(self, docket: Docket, facts: AccountFacts) -> Outcome:
        now = self._clock.now()
        if docket.is_page:
            return decide_page(docket.assigner, docket.tickets, facts, now, more_follow=docket.next_cursor is not None)
        return decide_called(docket.assigner, docket.tickets, facts, now, frees_capacity=docket.frees_capacity)

    async def _write(self, docket: Docket, outcome: Outcome) -> Assigner | None:
        """The assigner as stored with its decisions; None when somebody else wrote first."""
        after = with_events(outcome.assigner, outcome.decisions, self._clock.now())
        if after == docket.before:
            return after
        stored = await self._assigners.replace(after)
        if stored is not None:
            _log(outcome.decisions)
        return stored


def _log(decisions: Sequence[AssignmentDecided]) -> None:
    for decision in decisions:
        logger.info(
            "assignment_decided",
            account_id=decision.account_id,
            ticket_id=decision.ticket_id,
            agent_id=decision.agent_id,
            decision_id=decision.id,
            rule=decision.rule,
        )


def _changed(docket: Docket, outcome: Outcome) -> list[QueuedTicket]:
    """The tickets that are no longer as they are stored."""
    return [ticket for ticket in outcome.tickets if docket.stored.get(ticket.ticket_id) != ticket]
