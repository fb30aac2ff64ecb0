"""Somebody who changes how the account works, again and again, through crashes; every change has a number."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from itertools import count, cycle
from random import Random

import httpx

from faults.budget import Budget
from faults.cast import Cast
from faults.desk_client import DeskClient, NoAnswerError
from faults.site import Site


@dataclass(slots=True)
class _Named:
    """A thing whose name ends in the number of its last change."""

    path: str
    tried: int = 0
    answered: int = 0


class Administrator:
    """The owner renames things and tries out teams, and one agent comes and goes. Each act waits for the one before."""

    def __init__(self, site: Site, cast: Cast, chance: Random) -> None:
        self._owner = DeskClient(site.base_url, cast.owner_key, chance)
        self._switching = DeskClient(site.base_url, cast.switching.key, chance)
        self._switching_id = cast.switching.id
        self._things = [
            _Named(path)
            for path in (
                "/v1/settings/account",
                f"/v1/schedules/{cast.schedule_id}",
                f"/v1/agents/{cast.offline.id}",
                f"/v1/teams/{cast.team_id}",
            )
        ]
        self._is_online = False

    async def work(self, budget: Budget, pause_seconds: float) -> None:
        """Change one thing after the other as long as the budget lasts."""
        for number, thing in zip(count(1), cycle(self._things), strict=False):
            if not budget.take():
                return
            await self._rename(thing, number)
            await self._switch(online=not self._is_online)
            await self._limit(number)
            await self._add_team(number)
            await asyncio.sleep(pause_seconds)

    async def broken_promises(self) -> list[str]:
        """Answered changes that do not stand, once nothing moves any more."""
        found = []
        for thing in self._things:
            name = str((await self._owner.read(thing.path))["name"])
            if thing.answered and not thing.answered <= int(name.rpartition(" ")[2]) <= thing.tried:
                found.append(f"{thing.path} was changed to {thing.answered}, and shows {name!r}")
        return found

    async def _rename(self, thing: _Named, number: int) -> None:
        thing.tried = number
        try:
            answer = await self._owner.send("PATCH", thing.path, {"name": f"Name {number}"})
        except NoAnswerError:
            return
        assert answer.is_success, f"PATCH {thing.path}: {answer.status_code} {answer.text}"
        thing.answered = number

    async def _switch(self, *, online: bool) -> None:
        try:
            answer = await self._switching.send("PUT", "/v1/agents/me/availability", {"online": online})
        except NoAnswerError:
            return
        assert answer.is_success, f"availability: {answer.status_code} {answer.text}"
        self._is_online = online

    async def _limit(self, number: int) -> None:
        limits = {"capacity": {"per_agent": 1000 + number}}
        with suppress(NoAnswerError):
            answer = await self._owner.send("PATCH", f"/v1/availability/{self._switching_id}", limits)
            assert answer.is_success, f"limits: {answer.status_code} {answer.text}"

    async def _add_team(self, number: int) -> None:
        try:
            answer = await self._owner.send("POST", "/v1/teams", {"name": f"Team {number}"})
        except NoAnswerError:
            return
        if not answer.is_success:
            return
        with suppress(NoAnswerError):
            removed = await self._owner.send("DELETE", f"/v1/teams/{answer.json()['id']}")
            # Asked again after a crash it may find that it was done.
            assert removed.is_success or removed.status_code == httpx.codes.NOT_FOUND, f"DELETE: {removed.text}"

    async def close(self) -> None:
        """Hang up."""
        await self._owner.close()
        await self._switching.close()
