"""Live sessions and API keys in Redis: a projection that `tickets` writes and every service asks (S2).

There is no cache in front of it: a revocation holds from the next request on.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict
from redis.asyncio import Redis
from redis.exceptions import RedisError

from contracts.people import Role
from service_kit.auth.principal import Principal, PrincipalKind
from service_kit.clock import Clock, SystemClock
from service_kit.errors import Unavailable

_CREDENTIAL_PREFIX = "deskbus:credential:"
_SEEN_PREFIX = "deskbus:seen:"
_USED_PREFIX = "deskbus:used:"
_SEEN_EVERY = timedelta(seconds=10)
_SEEN_KEPT_FOR = timedelta(days=2)
_USED_KEPT_FOR = timedelta(days=31)
_MAX_REMEMBERED = 10_000
_ANSWER_SECONDS = 2.0
"""The client itself retries for longer than a caller should wait to hear that nobody can be let in."""
_LOGGED_OUT_KEY = "deskbus:logged-out"
_LOGGED_OUT_KEPT_FOR = timedelta(days=1)
_LOGGED_OUT_AT_ONCE = 1_000


class CredentialsUnavailable(Unavailable):
    """Redis does not answer, so nobody can be let in."""


class _StoredCredential(BaseModel):
    model_config = ConfigDict(frozen=True)

    account_id: str
    kind: PrincipalKind
    agent_id: str | None
    role: Role | None
    scopes: tuple[str, ...]
    credential_id: str
    expires_at: datetime | None
    idle_seconds: float | None

    def lifetime(self, now: datetime) -> timedelta | None:
        """How long it lives from `now` on if it is not used; None: for ever."""
        limits = []
        if self.expires_at is not None:
            limits.append(self.expires_at - now)
        if self.idle_seconds is not None:
            limits.append(timedelta(seconds=self.idle_seconds))
        return min(limits, default=None)

    def principal(self) -> Principal:
        return Principal(
            account_id=self.account_id,
            kind=self.kind,
            agent_id=self.agent_id,
            role=self.role,
            scopes=frozenset(self.scopes),
            credential_id=self.credential_id,
        )


def hash_token(token: str) -> str:
    """What is stored instead of the token. Tokens are long and random, so a plain hash cannot be reversed."""
    return hashlib.sha256(token.encode()).hexdigest()


class Credentials:
    """Who a bearer token belongs to, and when each agent was last here.

    Raises (every method):
        CredentialsUnavailable: Redis does not answer.
    """

    def __init__(self, redis: Redis, clock: Clock | None = None) -> None:
        self._redis = redis
        self._clock = clock or SystemClock()
        self._seen_written: dict[tuple[str, str, str], datetime] = {}

    async def put(
        self,
        token_hash: str,
        principal: Principal,
        *,
        expires_at: datetime | None,
        idle_seconds: float | None = None,
    ) -> None:
        """Let the token in until `expires_at`, and no longer than `idle_seconds` after its last use."""
        stored = _StoredCredential(
            account_id=principal.account_id,
            kind=principal.kind,
            agent_id=principal.agent_id,
            role=principal.role,
            scopes=tuple(sorted(principal.scopes)),
            credential_id=principal.credential_id,
            expires_at=expires_at,
            idle_seconds=idle_seconds,
        )
        lifetime = stored.lifetime(self._clock.now())
        if lifetime is not None and lifetime <= timedelta(0):
            await self.revoke(token_hash)
            return
        async with _unavailable_when_down():
            await self._redis.set(_CREDENTIAL_PREFIX + token_hash, stored.model_dump_json(), px=lifetime)

    async def revoke(self, token_hash: str) -> None:
        """Let the token in no more, anywhere."""
        async with _unavailable_when_down():
            await self._redis.delete(_CREDENTIAL_PREFIX + token_hash)

    async def find(self, token: str) -> Principal | None:
        """Whose token it is; None where it is unknown, revoked or expired. Being asked for counts as use."""
        token_hash = hash_token(token)
        async with _unavailable_when_down():
            value = await self._redis.get(_CREDENTIAL_PREFIX + token_hash)
        if value is None:
            return None
        stored = _StoredCredential.model_validate_json(value)
        if stored.expires_at is not None and stored.expires_at <= self._clock.now():
            return None
        if stored.idle_seconds is not None:
            await self._touch(token_hash, stored)
        return stored.principal()

    async def find_many(self, tokens: Collection[str]) -> Mapping[str, Principal]:
        """Whose tokens these are, in one round trip; unknown, revoked and expired ones are missing. No use of them."""
        if not tokens:
            return {}
        async with _unavailable_when_down():
            values = await self._redis.mget([_CREDENTIAL_PREFIX + hash_token(token) for token in tokens])
        now = self._clock.now()
        known = {
            token: _StoredCredential.model_validate_json(value)
            for token, value in zip(tokens, values, strict=True)
            if value is not None
        }
        return {
            token: stored.principal()
            for token, stored in known.items()
            if stored.expires_at is None or stored.expires_at > now
        }

    async def seen(self, principal: Principal, now: datetime) -> None:
        """Note that a session was used, and its agent seen: the router can tell a lost one (A3). Written every 10 s."""
        if principal.kind != "agent" or principal.agent_id is None:
            return
        who = (principal.account_id, principal.agent_id, principal.credential_id)
        written = self._seen_written.get(who)
        if written is not None and timedelta(0) <= now - written < _SEEN_EVERY:
            return
        async with _unavailable_when_down(), self._redis.pipeline(transaction=False) as pipeline:
            pipeline.set(_seen_key(*who[:2]), now.isoformat(), px=_SEEN_KEPT_FOR)
            pipeline.set(_USED_PREFIX + principal.credential_id, now.isoformat(), px=_USED_KEPT_FOR)
            await pipeline.execute()
        if len(self._seen_written) >= _MAX_REMEMBERED:
            self._seen_written.clear()
        self._seen_written[who] = now

    async def last_seen(self, account_id: str, agent_id: str) -> datetime | None:
        """When a session of this agent was last used, to 10 s; None: not within two days."""
        async with _unavailable_when_down():
            value = await self._redis.get(_seen_key(account_id, agent_id))
        return None if value is None else _moment(value)

    async def last_used(self, credential_ids: Sequence[str]) -> Mapping[str, datetime]:
        """When these sessions were last used, to 10 s; those of which nothing is known are left out."""
        if not credential_ids:
            return {}
        async with _unavailable_when_down():
            values = await self._redis.mget([_USED_PREFIX + one for one in credential_ids])
        return {one: _moment(value) for one, value in zip(credential_ids, values, strict=True) if value is not None}

    async def last_seen_of(self, account_id: str, agent_ids: Sequence[str]) -> Mapping[str, datetime]:
        """The same of many agents in one call; those not seen within two days are missing."""
        if not agent_ids:
            return {}
        async with _unavailable_when_down():
            values = await self._redis.mget([_seen_key(account_id, agent_id) for agent_id in agent_ids])
        return {
            agent_id: datetime.fromisoformat(value.decode() if isinstance(value, bytes) else value)
            for agent_id, value in zip(agent_ids, values, strict=True)
            if value is not None
        }

    async def mark_logged_out(self, account_id: str, agent_id: str, at: datetime) -> None:
        """Note that an agent's last session ended, for the router, which owns availability (A3)."""
        score = at.timestamp()
        async with _unavailable_when_down(), self._redis.pipeline(transaction=True) as pipeline:
            pipeline.zadd(_LOGGED_OUT_KEY, {_logout_member(account_id, agent_id, at): score})
            pipeline.zremrangebyscore(_LOGGED_OUT_KEY, "-inf", score - _LOGGED_OUT_KEPT_FOR.total_seconds())
            await pipeline.execute()

    async def take_logged_out(self) -> Sequence[tuple[str, str, datetime]]:
        """The oldest noted log-outs as (account, agent, moment); they stay noted until they are forgotten."""
        async with _unavailable_when_down():
            members = await self._redis.zrange(_LOGGED_OUT_KEY, 0, _LOGGED_OUT_AT_ONCE - 1)
        return [_logout_of(member) for member in members if isinstance(member, bytes | str)]

    async def forget_logged_out(self, entries: Sequence[tuple[str, str, datetime]]) -> None:
        """Remove log-outs that were dealt with; a later one of the same agent stays."""
        if entries:
            async with _unavailable_when_down():
                await self._redis.zrem(_LOGGED_OUT_KEY, *(_logout_member(*entry) for entry in entries))

    async def _touch(self, token_hash: str, stored: _StoredCredential) -> None:
        lifetime = stored.lifetime(self._clock.now())
        if lifetime is not None:
            async with _unavailable_when_down():
                await self._redis.pexpire(_CREDENTIAL_PREFIX + token_hash, lifetime)


def _seen_key(account_id: str, agent_id: str) -> str:
    return f"{_SEEN_PREFIX}{account_id}:{agent_id}"


def _moment(value: bytes | str) -> datetime:
    return datetime.fromisoformat(value.decode() if isinstance(value, bytes) else value)


def _logout_member(account_id: str, agent_id: str, at: datetime) -> str:
    return f"{account_id}/{agent_id}/{at.isoformat()}"


def _logout_of(member: bytes | str) -> tuple[str, str, datetime]:
    text = member.decode() if isinstance(member, bytes) else member
    account_id, agent_id, at = text.split("/", 2)
    return account_id, agent_id, datetime.fromisoformat(at)


@asynccontextmanager
async def _unavailable_when_down() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            yield
    except (RedisError, OSError) as error:  # a TimeoutError is an OSError
        raise CredentialsUnavailable("the store of live sessions does not answer") from error
