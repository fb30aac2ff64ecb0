"""A client of the HTTP API that goes on through crashes: it asks again until it is answered, or gives up."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from random import Random
from typing import Any, Self
from uuid import uuid4

import httpx

from faults.patience import ANSWER_SECONDS, Patience

_BUSY = frozenset({429, 500, 502, 503, 504})
_IN_PROGRESS = "idempotency_in_progress"
_CLAIM_SECONDS = 1.0
"""A request that is still being handled after this was ended by a crash: its key is free again only after a minute,
which is longer than a test waits."""


class NoAnswerError(Exception):
    """Nobody answered in time: the request may have been carried out or not."""


class DeskClient:
    """Requests of one agent or key."""

    def __init__(
        self,
        base_url: str,
        token: str,
        chance: Random,
        *,
        answer_seconds: float = ANSWER_SECONDS,
        give_up_after_seconds: float | None = None,
    ) -> None:
        """`answer_seconds` are for one attempt; without more being said there is time for little else."""
        self._client = httpx.AsyncClient(
            base_url=base_url, headers={"Authorization": f"Bearer {token}"}, timeout=answer_seconds
        )
        self._chance = chance
        self._give_up_after = give_up_after_seconds or answer_seconds + 2.0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Hang up."""
        await self._client.aclose()

    async def send(
        self, method: str, path: str, body: Any = None, *, key: str | None = None, **query: Any
    ) -> httpx.Response:
        """The first answer that is one, also if it is a refusal. `key` is the Idempotency-Key of all attempts.

        Raises:
            NoAnswerError: there was none.
        """
        headers = {"Idempotency-Key": key} if key else {}
        params = {name: value for name, value in query.items() if value is not None}
        patience, clock = Patience(self._chance), asyncio.get_running_loop().time
        deadline = clock() + self._give_up_after
        while clock() < deadline:
            try:
                answer = await self._client.request(method, path, json=body, params=params, headers=headers)
            except httpx.HTTPError:
                answer = None
            if answer is not None and _is_claimed(answer):
                deadline = min(deadline, clock() + _CLAIM_SECONDS)
            elif answer is not None and answer.status_code not in _BUSY:
                return answer
            await patience.pause()
        raise NoAnswerError(f"{method} {path}")

    async def read(self, path: str, **query: Any) -> Any:
        """GET as JSON; anything but success is a mistake of the caller."""
        answer = await self.send("GET", path, **query)
        assert answer.is_success, f"GET {path}: {answer.status_code} {answer.text}"
        return answer.json()

    async def change(self, method: str, path: str, body: Any) -> Any:
        """Another method, whose success is expected, as JSON; however often it is tried, it is done once."""
        answer = await self.send(method, path, body, key=str(uuid4()))
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    async def pages(self, path: str, **query: Any) -> AsyncIterator[Mapping[str, Any]]:
        """Every item of a list."""
        cursor: str | None = None
        while True:
            page = await self.read(path, cursor=cursor, **query)
            for item in page["items"]:
                yield item
            cursor = page["next_cursor"]
            if cursor is None:
                return


def _is_claimed(answer: httpx.Response) -> bool:
    """Whether an earlier attempt still holds the key, which a crash may have ended."""
    return answer.status_code == httpx.codes.CONFLICT and answer.json().get("code") == _IN_PROGRESS
