"""A fleet that does nothing but give tickets to agents, with several routers, and everybody who acts in it."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from contracts.schedules import Schedule
from faults.assignment_checks import assignment_violations
from faults.assignment_feed import AssignmentFeed, following
from faults.assignment_story import AssignmentStory, Office
from faults.cast import NUMBER, Player, hire, set_switch
from faults.desk_client import DeskClient
from faults.fleet import SIZES, Fleet
from faults.fleet_chaos import FleetChaos
from faults.fleet_engines import FleetEngines
from faults.history import History
from faults.quiet import until_quiet
from faults.texters import Texters, phone, texters
from faults.world import ACCOUNT_SID, AUTH_TOKEN
from service_kit.testing.eventually import eventually

_QUIET_SECONDS = 120.0
_MOST_UNDECIDED = 80
"""The crowd waits for the routers while so many tickets wait for a decision: chaos then always meets work."""

_EVENTS_AT_ONCE = 500

_SIZES = {**dict.fromkeys(SIZES, 1), "tickets": 2, "notifier": 0, "reporting": 0}
"""Of mail and chat one each: an account is not complete without them. Nothing leaves here, and nobody reads reports."""


@dataclass(frozen=True, slots=True)
class AssignmentDrama:
    """Everything of one test. `players` are the agents by name."""

    fleet: Fleet
    desk: DeskClient
    feed: AssignmentFeed
    history: History
    texters: Texters
    players: Mapping[str, Player]
    office: Office
    chance: Random

    @property
    def story(self) -> AssignmentStory:
        """What was told so far; it grows by itself."""
        return self.feed.story

    def chaos(self, messages: int) -> FleetChaos:
        """What befalls the fleet while so many texts are written."""
        return FleetChaos(self.fleet, self.history, self.chance, messages=messages)

    def ids(self, *names: str) -> frozenset[str]:
        """The agents of these names."""
        return frozenset(self.players[name].id for name in names)

    def keeps_up(self, *, is_open: bool = True) -> bool:
        """Whether all that was written made tickets, and only so many wait for a decision while the office is open."""
        is_behind = is_open and len(self.story.waiting) >= _MOST_UNDECIDED
        return len(self.story.events) >= self.texters.written and not is_behind

    async def until_settled(self) -> None:
        """Wait until everything that was written is with somebody, and nothing moves any more."""
        await eventually(
            lambda: len(self.story.events) == self.texters.written and not self.story.waiting, _QUIET_SECONDS
        )
        await until_quiet(self.fleet, _QUIET_SECONDS)

    async def verdict(self, office: Office) -> list[str]:
        """Every broken law, once nothing moves any more."""
        await self.until_settled()
        await eventually(self.feed.has_heard_all, _QUIET_SECONDS)
        return [
            *self.history.refusals,
            *await self._dead_letters(),
            *await self._queue(),
            *await self._misrouted(office),
            *await self._explanations(),
            *assignment_violations(self.story, office),
        ]

    async def _dead_letters(self) -> list[str]:
        async with self.fleet.bus_view() as bus:
            return [f"{many} records were set aside in {topic}" for topic, many in (await bus.dead_letters()).items()]

    async def _queue(self) -> list[str]:
        queue = (await self.desk.read("/v1/queue"))["items"]
        return [f"{one['ticket_id']} waits in the queue, and somebody is eligible" for one in queue]

    async def _misrouted(self, office: Office) -> list[str]:
        """Tickets in another team than their contact's segments say (A1)."""
        found = []
        async for ticket in self.desk.pages("/v1/tickets", status="any", limit=200):
            wanted = office.routes.get(ticket["contact"]["phone"], office.default_team)
            if ticket["team"] is not None and ticket["team"]["id"] != wanted:
                found.append(f"ticket {ticket['id']} is with team {ticket['team']['id']} instead of {wanted}")
        return found

    async def _explanations(self) -> list[str]:
        """Some tickets whose decisions as the API explains them are not those that were announced (A9)."""
        found = []
        for ticket_id in self.chance.sample(sorted(self.story.events), 10):
            shown = (await self.desk.read(f"/v1/tickets/{ticket_id}/decisions"))["items"]
            told = {
                one.id: [candidate.model_dump() for candidate in one.candidates]
                for one in self.story.decisions.values()
                if one.ticket_id == ticket_id
            }
            if {one["id"]: one["candidates"] for one in shown} != told:
                found.append(f"the decisions about ticket {ticket_id} are explained as {[one['id'] for one in shown]}")
        return found


@asynccontextmanager
async def assignment_played(
    engines: FleetEngines, folder: Path, chance: Random, *, routers: int, agents: Sequence[str]
) -> AsyncIterator[AssignmentDrama]:
    """A fleet that is ready, whose agents of these names are online; nobody writes yet."""
    fleet, history = Fleet(folder, engines, {}, {**_SIZES, "router": routers}), History()
    async with fleet.opened():
        await fleet.boot()
        owner = fleet.owner
        async with (
            DeskClient(fleet.base_url, owner["api_key"], Random(0)) as desk,  # noqa: S311 - pauses only
            following(engines.kafka.url) as feed,
            texters(fleet, history, chance) as people,
        ):
            await _take_texts(desk)
            hired = await asyncio.gather(*(hire(desk, name) for name in agents))
            await asyncio.gather(*(set_switch(fleet, player, online=True) for player in hired))
            await until_quiet(fleet, _QUIET_SECONDS)
            players = {player.name: player for player in hired}
            everybody = frozenset({owner["agent_id"], *(player.id for player in hired)})
            default = await _default_team(desk)
            office = Office(owner["account_id"], everybody, default, {default: everybody})
            yield AssignmentDrama(fleet, desk, feed, history, people, players, office, chance)


async def found_teams(drama: AssignmentDrama, teams: Mapping[str, Sequence[str]], people: int) -> Office:
    """Add teams by name with the agents in them, and put each of so many people into none, one or two of them."""
    members, of_name = dict(drama.office.members), dict[str, str]()
    for rank, (name, agents) in enumerate(teams.items()):
        ids = drama.ids(*agents)
        body = {"name": name, "member_ids": sorted(ids), "segments": [name], "rank": rank}
        of_name[name] = (await drama.desk.change("POST", "/v1/teams", body))["id"]
        members[of_name[name]] = ids
    segments = {phone(place): drama.chance.sample(list(teams), drama.chance.randint(0, 2)) for place in range(people)}
    events = [_belongs_to(number, several) for number, several in segments.items()]
    for first in range(0, len(events), _EVENTS_AT_ONCE):
        await drama.desk.change("POST", "/v1/events", events[first : first + _EVENTS_AT_ONCE])
    await until_quiet(drama.fleet, _QUIET_SECONDS)
    routes = {number: of_name[min(several, key=list(teams).index)] for number, several in segments.items() if several}
    return replace(drama.office, members=members, routes=routes)


async def known_versions(drama: AssignmentDrama, schedule_id: str) -> Office:
    """The office with every version that a schedule ever had."""
    pages = drama.desk.pages(f"/v1/schedules/{schedule_id}/versions", limit=200)
    versions = {one["version"]: Schedule.model_validate(one["schedule"]) async for one in pages}
    return replace(drama.office, schedules=versions)


async def _take_texts(desk: DeskClient) -> None:
    number = {"provider": "twilio", "account_sid": ACCOUNT_SID, "auth_tokens": [AUTH_TOKEN]}
    await desk.change("PATCH", "/v1/settings/sms", {"numbers": {NUMBER: number}, "auto_responder": {"mode": "off"}})


async def _default_team(desk: DeskClient) -> str:
    teams = (await desk.read("/v1/teams"))["items"]
    return str(next(team["id"] for team in teams if team["is_default"]))


def _belongs_to(number: str, segments: Sequence[str]) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "type": "support.contact.updated.v1",
        "source": "/faults",
        "id": number,
        "data": {"contact": {"phone": number}, "segments": segments},
    }
