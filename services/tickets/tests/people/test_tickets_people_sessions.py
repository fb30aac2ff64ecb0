import asyncio
from datetime import timedelta
from typing import Any

import pytest
from argon2 import PasswordHasher

from service_kit.auth.credentials import Credentials
from service_kit.errors import Unavailable
from service_kit.testing.eventually import eventually
from tickets.access.passwords import Passwords
from tickets.access.session_store import SessionStore
from tickets.access.sign_in_limit import ATTEMPTS

OSCAR = "oscar@acme.example"
COUNTED = ("cmdstat_incrby", "cmdstat_expire", "cmdstat_rpush", "cmdstat_ltrim")


async def test_signing_in_gives_a_token_that_works_for_thirty_days(people: Any) -> None:
    """A session is absolute: it ends after 30 days however busy it was (S2)."""
    answer = await people.sign_in(OSCAR)
    session = answer.json()

    assert answer.status_code == 201
    assert session["token"].startswith("ses_")
    assert session["expires_at"] == "2026-12-21T12:00:00Z"
    assert session["agent"] == {
        "id": people.account.agent_id,
        "account_id": people.account.account_id,
        "name": "Oscar",
        "email": OSCAR,
        "role": "owner",
    }
    people.clock.advance(timedelta(days=30) - timedelta(seconds=1))
    assert (await people.ask(session["token"], "GET", "/v1/agents/me")).status_code == 200
    people.clock.advance(timedelta(seconds=1))
    assert (await people.ask(session["token"], "GET", "/v1/agents/me")).status_code == 401


async def test_wrong_password_and_unknown_address_get_the_same_answer(people: Any) -> None:
    """Nobody can find out by signing in which addresses exist."""
    wrong = await people.sign_in(OSCAR, "not the password")
    unknown = await people.sign_in("nobody@acme.example")

    assert (wrong.status_code, wrong.json()["code"]) == (401, "invalid_credentials")
    assert (unknown.status_code, unknown.json()["code"]) == (401, "invalid_credentials")


async def test_an_unknown_address_costs_a_hash_too() -> None:
    """The same work is done where there is nothing to compare with, so that the time tells nothing either."""
    hasher = _CountingHasher()
    await Passwords(hasher).verify(None, "some password")

    assert hasher.hashes == 1


async def test_an_unknown_address_costs_the_same_work_in_redis(people: Any) -> None:
    """Counting and noting a refusal is done alike for addresses that exist and those that do not (S2)."""
    redis = people.platform.redis

    async def spent() -> dict[str, int]:
        counted = await redis.info("commandstats")
        return {name: counted[name]["calls"] if name in counted else 0 for name in COUNTED}

    start = await spent()
    await people.sign_in(OSCAR, "not the password")
    between = await spent()
    await people.sign_in("nobody@acme.example", "not the password")
    after = await spent()
    known = {name: between[name] - start[name] for name in COUNTED}

    assert known == {name: after[name] - between[name] for name in COUNTED}
    assert min(known.values()) > 0


async def test_ten_failures_lock_an_address_for_a_while(people: Any) -> None:
    """The eleventh attempt is refused, right or wrong, and says when to come back."""
    for _ in range(ATTEMPTS):
        assert (await people.sign_in(OSCAR, "not the password")).status_code == 401
    locked = await people.sign_in(" OSCAR@acme.example ")

    assert (locked.status_code, locked.json()["code"]) == (429, "too_many_sign_ins")
    assert 0 < int(locked.headers["Retry-After"]) <= 900
    assert (await people.sign_in("nobody@acme.example")).status_code == 401


async def test_failures_at_once_are_all_counted(people: Any) -> None:
    """Guesses sent in parallel get no more tries than those sent one by one."""
    answers = await asyncio.gather(*(people.sign_in(OSCAR, f"guess number {n}") for n in range(ATTEMPTS + 5)))

    assert sorted(answer.status_code for answer in answers) == [401] * ATTEMPTS + [429] * 5


async def test_a_success_forgets_earlier_failures(people: Any) -> None:
    """Somebody who mistypes now and then is not locked out by the sum of it."""
    for _ in range(ATTEMPTS - 1):
        await people.sign_in(OSCAR, "not the password")
    await people.token(OSCAR)

    assert (await people.sign_in(OSCAR, "not the password")).status_code == 401


async def test_more_than_the_known_fields_are_refused(people: Any) -> None:
    """A misspelt field is refused clearly instead of being ignored."""
    answer = await people.sign_in(OSCAR, tot="123456")

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert answer.json()["errors"][0]["field"] == "body.tot"


async def test_signing_out_ends_the_session_everywhere_at_once(people: Any) -> None:
    """The next request with the token is refused by any service, which all ask the same projection (S2)."""
    token = await people.token(OSCAR)
    answer = await people.ask(token, "DELETE", "/v1/sessions/current")

    assert answer.status_code == 204
    assert await Credentials(people.platform.redis, people.clock).find(token) is None
    assert (await people.ask(token, "DELETE", "/v1/sessions/current")).status_code == 401


async def test_the_router_is_told_when_the_last_session_ended(people: Any) -> None:
    """Logging out makes an agent offline, but only once nowhere signed in (A3)."""
    credentials = Credentials(people.platform.redis, people.clock)
    desk, phone = await people.token(OSCAR), await people.token(OSCAR)
    await people.ask(desk, "DELETE", "/v1/sessions/current")
    after_first = await credentials.take_logged_out()
    await people.ask(phone, "DELETE", "/v1/sessions/current")
    after_last = await credentials.take_logged_out()

    assert after_first == []
    assert after_last == [(people.account.account_id, people.account.agent_id, people.clock.now())]
    await credentials.forget_logged_out(after_last)
    assert await credentials.take_logged_out() == []


async def test_a_log_out_between_look_and_forgetting_is_kept(people: Any) -> None:
    """What the router forgets is the very log-out it dealt with, never a later one of the same agent."""
    credentials = Credentials(people.platform.redis, people.clock)
    await credentials.mark_logged_out("acc", "agt", people.clock.now())
    taken = await credentials.take_logged_out()
    people.clock.advance(timedelta(seconds=1))
    await credentials.mark_logged_out("acc", "agt", people.clock.now())
    await credentials.forget_logged_out(taken)

    assert await credentials.take_logged_out() == [("acc", "agt", people.clock.now())]


async def test_an_api_key_cannot_sign_out(people: Any) -> None:
    """A key is revoked, not logged out."""
    answer = await people.http.delete("/v1/sessions/current")

    assert (answer.status_code, answer.json()["code"]) == (403, "session_needed")


async def test_sessions_that_are_over_are_swept(people: Any) -> None:
    """Expired sessions do not stay in the store for ever; live ones do."""
    await people.token(OSCAR)
    people.clock.advance(timedelta(days=29))
    await people.token(OSCAR)
    people.clock.advance(timedelta(days=2))
    sweep = next(worker for worker in people.parts.workers if worker.name == "tickets.expired_sessions")
    store = SessionStore(people.platform.store)
    long_ago = people.clock.now() - timedelta(days=99)

    async def is_swept() -> bool:
        return len(await store.unexpired(people.account.agent_id, long_ago)) == 1

    await sweep.start()
    await eventually(is_swept)
    await sweep.stop()

    assert await is_swept()


async def test_sessions_and_tokens_are_stored_hashed(people: Any) -> None:
    """Neither the store nor Redis holds anything that could be used to come in (S2)."""
    token = await people.token(OSCAR)
    store = SessionStore(people.platform.store)
    kept = await store.unexpired(people.account.agent_id, people.clock.now())
    dumped = "".join(session.model_dump_json() for session in kept)
    redis = people.platform.redis
    keys = [key async for key in redis.scan_iter()]
    values = [await redis.get(key) for key in keys if await redis.type(key) == b"string"]

    assert dumped
    assert token not in dumped
    assert not any(token.encode() in (key + (value or b"")) for key, value in zip(keys, values, strict=False))


async def test_a_flood_of_sign_ins_is_refused_instead_of_queued() -> None:
    """The queue for hashing is bounded, so that a flood cannot take all memory."""
    passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1), at_once=1, waiting=1)
    outcomes = await asyncio.gather(*(passwords.hash("a password") for _ in range(4)), return_exceptions=True)

    assert sum(isinstance(outcome, Unavailable) for outcome in outcomes) == 2
    assert (await passwords.hash("a password")).startswith("$argon2id$")


class _CountingHasher(PasswordHasher):
    """argon2 that counts how often it was asked to hash."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.hashes = 0

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        """Hash, and count it."""
        self.hashes += 1
        return super().hash(password, salt=salt)


@pytest.mark.parametrize("email", ["", "not an address", "x" * 320])
async def test_any_text_may_be_tried_as_an_address(people: Any, email: str) -> None:
    """What is no address is simply nobody's."""
    assert (await people.sign_in(email)).status_code == 401
