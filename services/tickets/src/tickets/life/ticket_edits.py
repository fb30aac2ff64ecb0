"""What agents do with tickets as pure changes, each made ready once: for one ticket or for ten thousand."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from contracts.directories import TeamDirectory
from contracts.tickets import Priority
from service_kit.auth import Principal
from service_kit.clock import Clock
from service_kit.settings_copies import SettingsCopies
from tickets.life.assignment import by_hand as assigned_by_hand
from tickets.life.life import awake, closed, prioritised, reopened, seen_by, snoozed, tagged, unseen_by
from tickets.life.reopen import policy_of
from tickets.life.snooze_presets import SnoozePreset, snoozed_until
from tickets.people.agent_directory import AgentLookup
from tickets.ticket.desk import Edit
from tickets.ticket.model import Ticket
from tickets.ticket.rules import RulesReader
from tickets.ticket.ticket_problems import (
    agent_needed,
    not_reopened_by_hand,
    not_snoozed_when_closed,
    require_unmerged,
    snooze_in_the_past,
    too_many_tags,
    unknown_agent,
    unknown_team,
)

MAX_TAGS = 50


@dataclass(frozen=True, slots=True)
class Assignee:
    """Whom a ticket is given to. `keeps_team`: the request says nothing of a team."""

    agent_id: str | None
    team_id: str | None = None
    keeps_team: bool = True


SnoozeEnd = datetime | SnoozePreset
"""When a snooze ends: a moment, or what people call one."""


class TicketEdits:
    """Each gives an `Edit` for the `Desk`; what it needs beside the ticket is read before, and once."""

    def __init__(self, agents: AgentLookup, copies: SettingsCopies, rules: RulesReader, clock: Clock) -> None:
        self._agents = agents
        self._copies = copies
        self._rules = rules
        self._clock = clock

    def close(self, principal: Principal) -> Edit:
        """Out of the inbox; a merged ticket is."""
        return lambda ticket: closed(ticket, actor=principal.actor, now=self._clock.now())

    async def reopen(self, principal: Principal) -> Edit:
        """Open again from closed or snoozed, with the assignee it had."""
        settings = await self._rules.of_tickets(principal.account_id)

        def edit(ticket: Ticket) -> Ticket:
            if ticket.status == "closed" and not policy_of(settings, ticket).by_hand:
                raise not_reopened_by_hand()
            actor, now = principal.actor, self._clock.now()
            awakened = awake(ticket, actor=actor, cause=actor.kind, now=now)
            return reopened(awakened, owner_stays=True, actor=actor, cause=actor.kind, now=now)

        return _of_unmerged(edit)

    async def snooze_end(self, principal: Principal, end: SnoozeEnd) -> datetime:
        """The moment that is meant."""
        if isinstance(end, datetime):
            return end
        zone = await self._rules.zone(principal.account_id)
        return snoozed_until(end, now=self._clock.now(), zone=zone)

    async def snooze(self, principal: Principal, end: SnoozeEnd) -> Edit:
        """Out of sight until a moment; a preset is one where the company is."""
        moment = await self.snooze_end(principal, end)

        def edit(ticket: Ticket) -> Ticket:
            now = self._clock.now()
            if moment <= now:
                raise snooze_in_the_past()
            if ticket.status == "closed":
                raise not_snoozed_when_closed()
            return snoozed(ticket, until=moment, actor=principal.actor, now=now)

        return _of_unmerged(edit)

    async def assign(self, principal: Principal, assignee: Assignee) -> Edit:
        """To an agent, a team, or nobody.

        Raises:
            Problem: there is no such agent or team.
        """
        await self._require(principal.account_id, assignee)

        def edit(ticket: Ticket) -> Ticket:
            return assigned_by_hand(
                ticket,
                agent_id=assignee.agent_id,
                team_id=ticket.team_id if assignee.keeps_team else assignee.team_id,
                actor=principal.actor,
                now=self._clock.now(),
            )

        return _of_unmerged(edit)

    def tag(self, principal: Principal, tags: Sequence[str]) -> Edit:
        """Exactly these tags."""
        return _of_unmerged(lambda ticket: self._tagged(principal, ticket, tags))

    def add_tags(self, principal: Principal, tags: Sequence[str]) -> Edit:
        """These tags too."""
        return _of_unmerged(lambda ticket: self._tagged(principal, ticket, (*ticket.tags, *tags)))

    def remove_tags(self, principal: Principal, tags: Sequence[str]) -> Edit:
        """Without these tags."""
        unwanted = frozenset(tags)
        return _of_unmerged(
            lambda ticket: self._tagged(principal, ticket, [tag for tag in ticket.tags if tag not in unwanted])
        )

    def prioritise(self, principal: Principal, priority: Priority) -> Edit:
        """As pressing as that."""
        return _of_unmerged(lambda ticket: prioritised(ticket, priority, actor=principal.actor, now=self._clock.now()))

    def mark(self, principal: Principal, *, read: bool) -> Edit:
        """Read or unread, for the agent who asks.

        Raises:
            Problem: nobody in person asks.
        """
        agent_id = principal.agent_id
        if agent_id is None:
            raise agent_needed()
        return lambda ticket: seen_by(ticket, agent_id) if read else unseen_by(ticket, agent_id)

    def _tagged(self, principal: Principal, ticket: Ticket, tags: Sequence[str]) -> Ticket:
        if len(frozenset(tags)) > MAX_TAGS:
            raise too_many_tags(MAX_TAGS)
        return tagged(ticket, tags, actor=principal.actor, now=self._clock.now())

    async def _require(self, account_id: str, assignee: Assignee) -> None:
        """Refuse agents and teams that are not there."""
        if assignee.agent_id is not None:
            agent = await self._agents.get(account_id, assignee.agent_id)
            if agent is None or not agent.active:
                raise unknown_agent()
        if assignee.team_id is not None:
            directory = await self._copies.get(account_id, "teams", TeamDirectory, fresh=True)
            if assignee.team_id not in directory.teams:
                raise unknown_team()


def _of_unmerged(edit: Edit) -> Edit:
    """The change of a ticket that still is one of its own."""

    def guarded(ticket: Ticket) -> Ticket:
        require_unmerged(ticket)
        return edit(ticket)

    return guarded
