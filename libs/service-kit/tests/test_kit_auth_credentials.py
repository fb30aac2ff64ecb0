from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from service_kit.auth import Principal
from service_kit.auth.credentials import Credentials, CredentialsUnavailable, hash_token
from service_kit.testing.manual_clock import ManualClock
from service_kit.testing.platforms import PlatformFactory

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
SESSION = Principal("acc_1", "agent", "agt_1", "support", frozenset({"*"}), "ses_1")
KEY = Principal("acc_1", "service", None, None, frozenset({"tickets:read", "events:write"}), "key_1")


@pytest.fixture
def clock() -> ManualClock:
    """The clock of both services."""
    return ManualClock(NOON)


@pytest.fixture
def redis(make_platform: PlatformFactory) -> Redis:
    """The shared Redis."""
    return make_platform("tickets").redis


@pytest.fixture
def tickets(redis: Redis, clock: ManualClock) -> Credentials:
    """The service that writes."""
    return Credentials(redis, clock)


@pytest.fixture
def router(make_platform: PlatformFactory, clock: ManualClock) -> Credentials:
    """Another service that asks."""
    return Credentials(make_platform("router").redis, clock)


@pytest.fixture
async def nowhere() -> AsyncIterator[Credentials]:
    """Credentials whose Redis is down."""
    async with Redis(host="127.0.0.1", port=1, retry=Retry(NoBackoff(), 0)) as redis:
        yield Credentials(redis)


@pytest.mark.parametrize("principal", [SESSION, KEY], ids=lambda principal: principal.kind)
async def test_what_one_service_writes_every_service_finds(
    tickets: Credentials, router: Credentials, principal: Principal
):
    """A token leads to its principal everywhere, unchanged; another token to nobody."""
    await tickets.put(hash_token("token"), principal, expires_at=None)

    assert await router.find("token") == principal
    assert await router.find("tokem") is None


async def test_revocation_holds_at_once(tickets: Credentials, router: Credentials):
    """The request after a revocation is refused by every service (S2)."""
    await tickets.put(hash_token("token"), KEY, expires_at=None)
    before = await router.find("token")
    await tickets.revoke(hash_token("token"))

    assert before is not None
    assert await router.find("token") is None


async def test_many_are_found_at_once(tickets: Credentials, router: Credentials, clock: ManualClock):
    """Those that still let somebody in, by token; asking for many is no use of them."""
    await tickets.put(hash_token("session"), SESSION, expires_at=NOON + timedelta(hours=1))
    await tickets.put(hash_token("key"), KEY, expires_at=None)
    both = await router.find_many(["session", "nobody", "key"])
    clock.advance(timedelta(hours=1))

    assert both == {"session": SESSION, "key": KEY}
    assert await router.find_many(["session", "key"]) == {"key": KEY}
    assert await router.find_many([]) == {}
    assert await router.last_seen("acc_1", "agt_1") is None


async def test_the_token_itself_is_nowhere(tickets: Credentials, redis: Redis):
    """Redis holds a hash: reading it lets nobody in (S2)."""
    await tickets.put(hash_token("very-secret-token"), KEY, expires_at=None)
    [name] = await redis.keys("deskbus:credential:*")

    assert b"very-secret-token" not in name + await redis.get(name)


async def test_a_session_ends_when_it_must(tickets: Credentials, router: Credentials, clock: ManualClock):
    """At its absolute end a session is over, though Redis may not have noticed yet."""
    await tickets.put(hash_token("token"), SESSION, expires_at=NOON + timedelta(hours=8))
    clock.advance(timedelta(hours=8) - timedelta(seconds=1))
    shortly_before = await router.find("token")
    clock.advance(timedelta(seconds=1))

    assert shortly_before == SESSION
    assert await router.find("token") is None


async def test_redis_forgets_sessions_by_itself(tickets: Credentials, redis: Redis):
    """The record lives in Redis as long as the session, or as long as it may be idle, whichever is shorter."""
    await tickets.put(hash_token("a"), SESSION, expires_at=NOON + timedelta(hours=8))
    await tickets.put(hash_token("b"), SESSION, expires_at=NOON + timedelta(hours=8), idle_seconds=600)
    await tickets.put(hash_token("c"), KEY, expires_at=None)
    absolute, idle, key = [await redis.ttl(f"deskbus:credential:{hash_token(token)}") for token in "abc"]

    assert 8 * 3600 - 5 <= absolute <= 8 * 3600
    assert 595 <= idle <= 600
    assert key == -1


async def test_use_keeps_an_idle_session_alive(tickets: Credentials, router: Credentials, redis: Redis):
    """Any service that lets a session in pushes its idle end away, not beyond the absolute one."""
    await tickets.put(hash_token("token"), SESSION, expires_at=NOON + timedelta(hours=8), idle_seconds=600)
    name = f"deskbus:credential:{hash_token('token')}"
    await redis.expire(name, 5)
    await router.find("token")

    assert 595 <= await redis.ttl(name) <= 600


async def test_an_expired_credential_is_not_stored(tickets: Credentials, router: Credentials):
    """Rebuilding the projection from old records revives nothing."""
    await tickets.put(hash_token("token"), SESSION, expires_at=None)
    await tickets.put(hash_token("token"), SESSION, expires_at=NOON)

    assert await router.find("token") is None


async def test_agents_are_seen_by_their_sessions(tickets: Credentials, router: Credentials, clock: ManualClock):
    """The router learns within ten seconds when a session was last used (A3); keys do not count."""
    never = await router.last_seen("acc_1", "agt_1")
    await tickets.seen(SESSION, clock.now())
    clock.advance(timedelta(seconds=9))
    await tickets.seen(SESSION, clock.now())
    after_nine = await router.last_seen("acc_1", "agt_1")
    clock.advance(timedelta(seconds=1))
    await tickets.seen(SESSION, clock.now())
    await tickets.seen(Principal("acc_1", "service", "agt_9", None, frozenset(), "key_9"), clock.now())

    assert never is None
    assert after_nine == NOON
    assert await router.last_seen("acc_1", "agt_1") == NOON + timedelta(seconds=10)
    assert await router.last_seen("acc_1", "agt_9") is None
    assert await router.last_seen("acc_2", "agt_1") is None


async def test_without_redis_nobody_is_let_in(nowhere: Credentials):
    """When Redis is down the answer is `unavailable`, neither yes nor no."""
    with pytest.raises(CredentialsUnavailable):
        await nowhere.find("token")
    with pytest.raises(CredentialsUnavailable):
        await nowhere.put(hash_token("token"), KEY, expires_at=None)
    with pytest.raises(CredentialsUnavailable):
        await nowhere.last_seen("acc_1", "agt_1")


async def test_many_agents_are_looked_up_together(tickets: Credentials, router: Credentials, clock: ManualClock):
    """Whoever was never seen is missing, and nobody is taken for an agent of another account (A3)."""
    await tickets.seen(SESSION, clock.now())
    seen = await router.last_seen_of("acc_1", ["agt_1", "agt_2"])
    elsewhere = await router.last_seen_of("acc_2", ["agt_1"])

    assert seen == {"agt_1": clock.now()}
    assert (elsewhere, await router.last_seen_of("acc_1", [])) == ({}, {})
