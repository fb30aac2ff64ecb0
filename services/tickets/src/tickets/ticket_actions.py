"""What agents do with tickets, apart from writing: close, reopen, snooze, assign, tag, rank, mark as read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from contracts.settings import TeamDirectory
from contracts.tickets import Priority
from service_kit.auth import Principal
from service_kit.clock import Clock
from service_kit.settings_copies import SettingsCopies
from tickets.agent_directory import AgentLookup
from tickets.assignment import by_hand as assigned_by_hand
from tickets.desk import Desk, Edit
from tickets.life import awake, closed, prioritised, reopened, seen_by, snoozed, tagged, unseen_by
from tickets.model import Ticket
from tickets.reopen import by_hand as may_be_reopened_by_hand
from tickets.rules import RulesReader
from tickets.ticket_problems import (
    agent_needed,
    not_reopened_by_hand,
    not_snoozed_when_closed,
    require_unmerged,
    snooze_in_the_past,
    unknown_agent,
    unknown_team,
)


@dataclass(frozen=True, slots=True)
class Assignee:
    """Whom a ticket is given to. `keeps_team`: the request says nothing of a team."""

    agent_id: str | None
    team_id: str | None = None
    keeps_team: bool = True


class TicketActions:
    """Each returns the ticket as it is then; `expected` is the version the caller saw (L6)."""

    def __init__(
        self, desk: Desk, agents: AgentLookup, copies: SettingsCopies, rules: RulesReader, clock: Clock
    ) -> None:
        self._desk = desk
        self._agents = agents
        self._copies = copies
        self._rules = rules
        self._clock = clock

    async def close(self, principal: Principal, ticket_id: str, expected: int | None) -> Ticket:
        """Out of the inbox."""

        def edit(ticket: Ticket) -> Ticket:
            return closed(ticket, actor=principal.actor, now=self._clock.now())

        return await self._desk.change(principal.account_id, ticket_id, edit, expected=expected)

    async def reopen(self, principal: Principal, ticket_id: str, expected: int | None) -> Ticket:
        """Back into the inbox from closed or snoozed, with the assignee it had: whoever does it sees who that is."""
        preset = await self._rules.preset(principal.account_id)

        def edit(ticket: Ticket) -> Ticket:
            if ticket.status == "closed" and not may_be_reopened_by_hand(ticket.channel, preset):
                raise not_reopened_by_hand()
            actor, now = principal.actor, self._clock.now()
            awakened = awake(ticket, actor=actor, cause=actor.kind, now=now)
            return reopened(awakened, owner_stays=True, actor=actor, cause=actor.kind, now=now)

        return await self._change(principal, ticket_id, edit, expected)

    async def snooze(self, principal: Principal, ticket_id: str, until: datetime, expected: int | None) -> Ticket:
        """Out of sight until a moment."""

        def edit(ticket: Ticket) -> Ticket:
            now = self._clock.now()
            if until <= now:
                raise snooze_in_the_past()
            if ticket.status == "closed":
                raise not_snoozed_when_closed()
            return snoozed(ticket, until=until, actor=principal.actor, now=now)

        return await self._change(principal, ticket_id, edit, expected)

    async def assign(self, principal: Principal, ticket_id: str, assignee: Assignee, expected: int | None) -> Ticket:
        """To an agent, a team, or nobody; a person's choice wins over any decision on its way (A6)."""
        await self.check_assignee(principal.account_id, assignee)

        def edit(ticket: Ticket) -> Ticket:
            return assigned_by_hand(
                ticket,
                agent_id=assignee.agent_id,
                team_id=ticket.team_id if assignee.keeps_team else assignee.team_id,
                actor=principal.actor,
                now=self._clock.now(),
            )

        return await self._change(principal, ticket_id, edit, expected)

    async def tag(self, principal: Principal, ticket_id: str, tags: Sequence[str], expected: int | None) -> Ticket:
        """Exactly these tags."""

        def edit(ticket: Ticket) -> Ticket:
            return tagged(ticket, tags, actor=principal.actor, now=self._clock.now())

        return await self._change(principal, ticket_id, edit, expected)

    async def prioritise(
        self, principal: Principal, ticket_id: str, priority: Priority, expected: int | None
    ) -> Ticket:
        """As pressing as that."""

        def edit(ticket: Ticket) -> Ticket:
            return prioritised(ticket, priority, actor=principal.actor, now=self._clock.now())

        return await self._change(principal, ticket_id, edit, expected)

    async def mark(self, principal: Principal, ticket_id: str, *, read: bool) -> Ticket:
        """Read or unread, for the agent who asks."""
        agent_id = principal.agent_id
        if agent_id is None:
            raise agent_needed()

        def edit(ticket: Ticket) -> Ticket:
            return seen_by(ticket, agent_id) if read else unseen_by(ticket, agent_id)

        return await self._desk.change(principal.account_id, ticket_id, edit)

    async def check_assignee(self, account_id: str, assignee: Assignee) -> None:
        """Refuse agents and teams that are not there."""
        if assignee.agent_id is not None:
            agent = await self._agents.get(account_id, assignee.agent_id)
            if agent is None or not agent.active:
                raise unknown_agent()
        if assignee.team_id is not None:
            directory = await self._copies.get(account_id, "teams", TeamDirectory, fresh=True)
            if assignee.team_id not in directory.teams:
                raise unknown_team()

    async def _change(self, principal: Principal, ticket_id: str, edit: Edit, expected: int | None) -> Ticket:
        """Change a ticket that still is one of its own."""

        def guarded(ticket: Ticket) -> Ticket:
            require_unmerged(ticket)
            return edit(ticket)

        return await self._desk.change(principal.account_id, ticket_id, guarded, expected=expected)
