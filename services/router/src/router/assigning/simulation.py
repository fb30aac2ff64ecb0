"""Who would get a ticket, and why, without acting: nothing is decided, told or written (A9).

The answer is `appraisal`'s, as for a real decision. It says what would happen if the ticket's turn came at that
moment; agents are online, loaded and in teams as they are now, also for a moment that is not now.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from contracts.people import Channel
from router.assigning.appraisal import AccountFacts, Appraisal, Appraiser
from router.assigning.assigner import Assigner
from router.assigning.assigner_store import AssignerStore
from router.assigning.assignment_workflow import FactsSource
from router.queue.queue_store import QueueStore
from router.queue.queued_ticket import QueuedTicket
from service_kit.clock import Clock
from service_kit.http.problems import not_found

_NOBODY = ""
"""The contact of a described ticket that names none; no contact has this id."""


@dataclass(frozen=True, slots=True)
class DescribedTicket:
    """A ticket that need not exist. `segments` None: those of the contact."""

    channel: Channel
    tags: tuple[str, ...] = ()
    contact_id: str | None = None
    segments: Sequence[str] | None = None
    team_id: str | None = None


@dataclass(frozen=True, slots=True)
class Simulated:
    """What would be decided. `is_waiting`: the ticket is one that could be assigned at all."""

    at: datetime
    appraisal: Appraisal
    is_waiting: bool
    schedule_version: int | None


class Simulation:
    """Answers for tickets of any account; reads only."""

    def __init__(self, assigners: AssignerStore, queue: QueueStore, facts: FactsSource, clock: Clock) -> None:
        self._assigners = assigners
        self._queue = queue
        self._facts = facts
        self._clock = clock

    async def of_ticket(self, account_id: str, ticket_id: str, at: datetime | None) -> Simulated:
        """For a ticket that there is, as it is known here.

        Raises:
            Problem: 404.
            TransientError: the account is not fully known here yet.
        """
        ticket = await self._queue.find(account_id, ticket_id)
        if ticket is None:
            raise not_found("ticket")
        facts = await self._facts.read(account_id, frozenset({ticket.contact_id}))
        return await self._appraised(ticket, facts, at)

    async def of_described(self, account_id: str, described: DescribedTicket, at: datetime | None) -> Simulated:
        """For a ticket that only its description says.

        Raises:
            Problem: 404, there is no such team.
            TransientError: the account is not fully known here yet.
        """
        contact_id = described.contact_id or _NOBODY
        facts = await self._facts.read(account_id, frozenset({contact_id}))
        if described.team_id is not None and all(team.id != described.team_id for team in facts.teams):
            raise not_found("team")
        if described.segments is not None:
            facts = replace(facts, segments={contact_id: described.segments})
        ticket = QueuedTicket(
            id=account_id,
            account_id=account_id,
            ticket_id=_NOBODY,
            seq=0,
            epoch=0,
            channel=described.channel,
            contact_id=contact_id,
            tags=described.tags,
            picked_team_id=described.team_id,
            is_free=True,
            is_waiting=True,
            queued_at=at or self._clock.now(),
        )
        return await self._appraised(ticket, facts, at)

    async def _appraised(self, ticket: QueuedTicket, facts: AccountFacts, at: datetime | None) -> Simulated:
        now = at or self._clock.now()
        assigner = await self._assigners.find(ticket.account_id) or Assigner(id=ticket.account_id)
        is_waiting = ticket.is_waiting and not assigner.is_deciding(ticket.ticket_id, ticket.epoch)
        appraisal = Appraiser(facts, assigner, now).appraise(ticket)
        version = facts.schedule.version if facts.schedule else None
        return Simulated(now, appraisal, is_waiting, version)
