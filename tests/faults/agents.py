"""Agents at work through crashes: they answer, take notes and close, and ask again until they are answered."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from random import Random
from typing import Any

import httpx

from faults.budget import Budget
from faults.cast import Player
from faults.desk_client import DeskClient, NoAnswerError
from faults.history import History, Written
from faults.patience import ANSWER_SECONDS

_MOST_REPLIES_TO_A_TICKET = 3
_LAST_WORDS_SECONDS = 60.0
_LOOK_AGAIN_SECONDS = 0.25


async def until_answered(history: History, replies: int, seconds: float = _LAST_WORDS_SECONDS) -> None:
    """Wait until so many replies were taken; where agents do not get there a test says how far they got."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while len(history.replies("answered")) < replies:  # noqa: ASYNC110 - the history knows no events
                await asyncio.sleep(_LOOK_AGAIN_SECONDS)


class Agent:
    """One agent, who works on the tickets assigned to them."""

    def __init__(
        self, base_url: str, player: Player, history: History, chance: Random, *, answer_seconds: float = ANSWER_SECONDS
    ) -> None:
        self._desk = DeskClient(base_url, player.key, chance, answer_seconds=answer_seconds)
        self._history = history
        self._chance = chance
        self._acts: Counter[str] = Counter()

    async def work(self, budget: Budget, pause_seconds: float) -> None:
        """Act as long as the budget lasts. An act on no ticket takes nothing from it."""
        async with self._desk:
            while not budget.is_spent:
                ticket = await self._pick()
                if ticket is not None and budget.take():
                    await self._act(ticket)
                await asyncio.sleep(pause_seconds if ticket else _LOOK_AGAIN_SECONDS)

    async def _pick(self) -> Mapping[str, Any] | None:
        """One of the tickets that this agent has not answered often already."""
        try:
            answer = await self._desk.send("GET", "/v1/tickets", view="mine", status="open", limit=10)
        except NoAnswerError:
            return None
        fresh = [one for one in answer.json()["items"] if self._acts[one["id"]] < _MOST_REPLIES_TO_A_TICKET]
        return self._chance.choice(fresh) if fresh else None

    async def _act(self, ticket: Mapping[str, Any]) -> None:
        self._acts[ticket["id"]] += 1
        choice = self._chance.random()
        if choice < 0.2:
            await self._write(ticket, "notes", Written("note", ticket["id"], ticket["channel"], self._marker("note")))
        else:
            await self._write(ticket, "messages", Written("reply", ticket["id"], ticket["channel"], self._marker("re")))
        if choice > 0.8:
            await self._close(ticket)

    def _marker(self, kind: str) -> str:
        return f"{kind}{self._chance.getrandbits(64):016x}"

    async def _write(self, ticket: Mapping[str, Any], where: str, written: Written) -> None:
        """Write under one key, whatever happens on the way; remember how it ended."""
        self._history.written.append(written)
        body = {"text": f"Our words are {written.marker}."}
        try:
            answer = await self._desk.send("POST", f"/v1/tickets/{ticket['id']}/{where}", body, key=written.marker)
        except NoAnswerError:
            return
        written.fate = "answered" if answer.is_success else "refused"
        if answer.is_success:
            written.message_id = answer.json()["id"]
        elif answer.status_code != httpx.codes.CONFLICT:
            self._history.refusals.append(f"{written.kind} {written.marker}: {answer.status_code} {answer.text}")

    async def _close(self, ticket: Mapping[str, Any]) -> None:
        try:
            answer = await self._desk.send("POST", f"/v1/tickets/{ticket['id']}/close")
        except NoAnswerError:
            return
        if not answer.is_success and answer.status_code != httpx.codes.CONFLICT:
            self._history.refusals.append(f"closing {ticket['id']}: {answer.status_code} {answer.text}")
