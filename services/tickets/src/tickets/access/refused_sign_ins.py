"""Sign-ins that were refused, on their way into the audit log.

They are noted first and looked up later: an entry made at once, and for addresses that exist only, would tell by the
time of the answer which do.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict
from redis.asyncio import Redis
from redis.exceptions import RedisError

from contracts.audit import AuditRecorded
from contracts.ids import new_id
from contracts.people import Actor
from service_kit.clock import Clock
from service_kit.errors import Unavailable
from service_kit.request_origin import CURRENT
from tickets.access.sign_in_limit import WINDOW_SECONDS
from tickets.audit.audit_log import AuditLog
from tickets.people.agent_store import AgentStore

LOCKED = "too_many_sign_ins"
_NOTES = "deskbus:sign-ins:refused"
_LOCKED_PREFIX = "deskbus:sign-ins:locked:"
_MOST_NOTES = 10_000
"""More in a second than hashing allows; what a flood pushes out is the oldest."""
_AT_ONCE = 200


class _Note(BaseModel):
    model_config = ConfigDict(frozen=True)

    id: str
    login: str
    code: str
    at: datetime
    request_id: str | None
    source_address: str | None


class RefusedSignIns:
    """Notes in Redis, entered by whichever replica comes by first, each once."""

    def __init__(self, redis: Redis, agents: AgentStore, log: AuditLog, clock: Clock) -> None:
        self._redis = redis
        self._agents = agents
        self._log = log
        self._clock = clock

    async def note(self, login: str, code: str) -> None:
        """Remember a refusal, the same for every address; of a lock-out the first only."""
        origin = CURRENT.get()
        note = _Note(
            id=new_id("aud"),
            login=login,
            code=code,
            at=self._clock.now(),
            request_id=origin.request_id if origin else None,
            source_address=origin.source_address if origin else None,
        )
        try:
            if code == LOCKED and not await self._redis.set(_locked_key(login), 1, nx=True, ex=WINDOW_SECONDS):
                return
            async with self._redis.pipeline(transaction=True) as pipeline:
                pipeline.rpush(_NOTES, note.model_dump_json())
                pipeline.ltrim(_NOTES, -_MOST_NOTES, -1)
                await pipeline.execute()
        except RedisError as error:
            raise Unavailable("refused sign-ins cannot be noted") from error

    async def enter(self) -> None:
        """Put what was noted into the log of the account it concerns; nobody's addresses are forgotten."""
        while notes := await self._noted():
            for text in notes:
                await self._enter(_Note.model_validate_json(text))
                await self._forget(text)

    async def _noted(self) -> Sequence[str]:
        try:
            found = await self._redis.lrange(_NOTES, 0, _AT_ONCE - 1)
        except RedisError as error:
            raise Unavailable("refused sign-ins cannot be read") from error
        return [text.decode() if isinstance(text, bytes) else str(text) for text in found]

    async def _forget(self, text: str) -> None:
        try:
            await self._redis.lrem(_NOTES, 1, text)
        except RedisError as error:
            raise Unavailable("a refused sign-in cannot be taken off the list") from error

    async def _enter(self, note: _Note) -> None:
        agent = await self._agents.by_login(note.login)
        if agent is None:
            return
        entry = AuditRecorded(
            id=note.id,
            account_id=agent.account_id,
            time=note.at,
            action="session.refused",
            actor=Actor(kind="system"),
            target_id=agent.id,
            service="tickets",
            request_id=note.request_id,
            source_address=note.source_address,
            details={"reason": note.code},
        )
        await self._log.take_in([entry])


def _locked_key(login: str) -> str:
    return _LOCKED_PREFIX + hashlib.sha256(login.encode()).hexdigest()
