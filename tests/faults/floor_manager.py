"""What people do while routers decide: they assign by hand, come and go, and open and close the office."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from random import Random
from typing import Any

from faults.assignment_story import AssignmentStory
from faults.budget import Budget
from faults.cast import Player
from faults.desk_client import DeskClient, NoAnswerError
from faults.site import Site

_LOOK_SECONDS = 0.01
_OPEN = {day: [["00:00", "24:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
_AT_ONCE = 3
_PATIENCE_SECONDS = 90.0
"""For what must be done in the end; nobody answers while all processes of a service start again."""


class Grabber:
    """Somebody who gives tickets to a favourite, or sets them aside, at the moment at which routers decide about them.

    Some of these decisions are then refused. Nobody waits for tickets that are settled already.
    """

    def __init__(self, desk: DeskClient, story: AssignmentStory, favourite: str, chance: Random) -> None:
        self._desk = desk
        self._story = story
        self._favourite = favourite
        self._chance = chance
        self._seen: set[str] = set()
        self.grabbed: set[str] = set()

    async def work(self, budget: Budget, share: float) -> None:
        """Of the tickets that nobody has yet, grab about this share, as long as the budget lasts."""
        while not budget.is_spent:
            fresh = sorted(self._story.waiting - self._seen)
            self._seen.update(self._story.events)
            wanted = [ticket_id for ticket_id in fresh if self._chance.random() < share][:_AT_ONCE]
            await asyncio.gather(*(self._grab(ticket_id) for ticket_id in wanted))
            await asyncio.sleep(_LOOK_SECONDS)

    async def _grab(self, ticket_id: str) -> None:
        agent_id = self._favourite if self._chance.random() < 0.8 else None
        try:
            answer = await self._desk.send("PUT", f"/v1/tickets/{ticket_id}/assignee", {"agent_id": agent_id})
        except NoAnswerError:
            return
        assert answer.is_success, f"assigning {ticket_id}: {answer.status_code} {answer.text}"
        self.grabbed.add(ticket_id)


class Shifts:
    """Agents who come and go, and hours that change; every act waits for the answer."""

    def __init__(self, site: Site, owner_key: str, schedule_id: str) -> None:
        self._site = site
        self._owner_key = owner_key
        self._schedule_id = schedule_id
        self._away: set[str] = set()
        self.is_open = True

    def switching(self, player: Player) -> Callable[[], Awaitable[None]]:
        """The act of an agent who comes, or goes."""

        async def switch() -> None:
            await self._switch(player, online=player.id in self._away)

        return switch

    async def open_or_close(self) -> None:
        """The office opens, or closes: another version of its schedule."""
        await self._set_hours(is_open=not self.is_open)

    async def back_to_work(self, *players: Player) -> None:
        """The office is open, and everybody is there."""
        await self._set_hours(is_open=True)
        for player in players:
            await self._switch(player, online=True)

    async def _set_hours(self, *, is_open: bool) -> None:
        hours = _OPEN if is_open else {}
        await self._insist(self._owner_key, "PATCH", f"/v1/schedules/{self._schedule_id}", {"weekly": hours})
        self.is_open = is_open

    async def _switch(self, player: Player, *, online: bool) -> None:
        await self._insist(player.key, "PUT", "/v1/agents/me/availability", {"online": online})
        self._away = self._away - {player.id} if online else self._away | {player.id}

    async def _insist(self, key: str, method: str, path: str, body: Mapping[str, Any]) -> None:
        pauses = Random(0)  # noqa: S311 - they guard nothing
        async with DeskClient(self._site.base_url, key, pauses, give_up_after_seconds=_PATIENCE_SECONDS) as desk:
            await desk.change(method, path, body)


async def new_hours(desk: DeskClient) -> str:
    """A schedule that is open now, and that assignment follows; its id."""
    body = {"name": "Office", "zone": "Europe/Paris", "weekly": _OPEN}
    schedule_id = str((await desk.change("POST", "/v1/schedules", body))["id"])
    await desk.change("PATCH", "/v1/settings/assignment", {"schedule_id": schedule_id})
    return schedule_id
