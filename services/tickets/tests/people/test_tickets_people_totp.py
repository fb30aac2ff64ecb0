import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pyotp
import pytest

from tickets.access.sign_in_limit import ATTEMPTS
from tickets.access.totp import accepted_step
from tickets.people.agent_store import AgentStore

OSCAR = "oscar@acme.example"
PASSWORD = "correct horse battery"
STEP = timedelta(seconds=30)

# RFC 6238, appendix B: the secret of the SHA-1 examples, and the last six of their eight digits.
RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
RFC_CODES = [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (2000000000, "279037")]


def code_of(people: Any, secret: str, steps: int = 0) -> str:
    """What an authenticator whose clock is some steps off shows now."""
    return pyotp.TOTP(secret).at(people.clock.now(), counter_offset=steps)


async def switched_on(people: Any, email: str = OSCAR) -> tuple[str, str, list[str]]:
    """A session's token, the secret and the recovery codes, after the second factor was turned on."""
    token = await people.token(email)
    shown = (await people.ask(token, "POST", "/v1/agents/me/totp")).json()
    given = {"code": code_of(people, shown["secret"])}
    confirmed = await people.ask(token, "POST", "/v1/agents/me/totp/confirm", json=given)
    assert confirmed.status_code == 200, confirmed.text
    people.clock.advance(2 * STEP)
    return token, shown["secret"], confirmed.json()["recovery_codes"]


@pytest.mark.parametrize(("seconds", "code"), RFC_CODES)
def test_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    """The published examples of RFC 6238 are accepted at their time, and belong to their step (S2)."""
    step = accepted_step(RFC_SECRET, code, after=0, now=datetime.fromtimestamp(seconds, UTC))

    assert step == seconds // 30


@pytest.mark.parametrize(("steps", "is_taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_clocks_may_differ_by_one_step(steps: int, is_taken: bool) -> None:  # noqa: FBT001 - a table
    """One step of drift to either side is forgiven, two are not (S2)."""
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    code = pyotp.TOTP(RFC_SECRET).at(now, counter_offset=steps)

    assert (accepted_step(RFC_SECRET, code, after=0, now=now) is not None) is is_taken


async def test_signing_in_needs_a_code_once_it_is_confirmed(people: Any) -> None:
    """Begun changes nothing; confirmed, the password alone is not enough, and a wrong code is not either (S2)."""
    token = await people.token(OSCAR)
    shown = (await people.ask(token, "POST", "/v1/agents/me/totp")).json()
    begun_only = await people.sign_in(OSCAR)
    _, secret, codes = await switched_on(people)
    without, wrong = await people.sign_in(OSCAR), await people.sign_in(OSCAR, totp="000000")
    right = await people.sign_in(OSCAR, totp=code_of(people, secret))
    me = (await people.ask(right.json()["token"], "GET", "/v1/agents/me")).json()

    assert begun_only.status_code == 201
    assert shown["otpauth_uri"].startswith("otpauth://totp/Deskbus:oscar%40acme.example?secret=" + shown["secret"])
    assert shown["secret"] != secret
    assert len(set(codes)) == 10
    assert (without.status_code, without.json()["code"]) == (401, "totp_required")
    assert (wrong.status_code, wrong.json()["code"]) == (401, "totp_wrong")
    assert (right.status_code, me["totp_enabled"]) == (201, True)


async def test_who_does_not_know_the_password_does_not_learn_of_the_second_factor(people: Any) -> None:
    """A wrong password is answered as before, with and without a code (S2)."""
    _, secret, _ = await switched_on(people)
    answers = [
        await people.sign_in(OSCAR, "not the password"),
        await people.sign_in(OSCAR, "not the password", totp=code_of(people, secret)),
    ]

    assert [answer.json()["code"] for answer in answers] == ["invalid_credentials"] * 2


async def test_a_code_works_once(people: Any) -> None:
    """The code that was just used is refused, and so is an older one that would still be in time (S2)."""
    _, secret, _ = await switched_on(people)
    present, older = code_of(people, secret), code_of(people, secret, -1)
    first = await people.sign_in(OSCAR, totp=present)
    again, before = await people.sign_in(OSCAR, totp=present), await people.sign_in(OSCAR, totp=older)
    people.clock.advance(STEP)
    following = await people.sign_in(OSCAR, totp=code_of(people, secret))

    assert first.status_code == 201
    assert [again.json()["code"], before.json()["code"]] == ["totp_wrong"] * 2
    assert following.status_code == 201


async def test_a_code_used_twice_at_once_lets_one_in(people: Any) -> None:
    """The used step is written with compare-and-swap: whoever saw the code cannot race its owner (S2)."""
    _, secret, _ = await switched_on(people)
    code = code_of(people, secret)
    answers = await asyncio.gather(*(people.sign_in(OSCAR, totp=code) for _ in range(5)))

    assert sorted(answer.status_code for answer in answers) == [201, 401, 401, 401, 401]


async def test_the_code_that_confirmed_does_not_sign_in(people: Any) -> None:
    """Confirming uses the code up (S2)."""
    token = await people.token(OSCAR)
    secret = (await people.ask(token, "POST", "/v1/agents/me/totp")).json()["secret"]
    code = code_of(people, secret)
    await people.ask(token, "POST", "/v1/agents/me/totp/confirm", json={"code": code})

    assert (await people.sign_in(OSCAR, totp=code)).json()["code"] == "totp_wrong"


async def test_each_recovery_code_signs_in_once(people: Any) -> None:
    """Without the authenticator a recovery code helps, however it is typed, and then is gone (S2)."""
    _, _, codes = await switched_on(people)
    first = await people.sign_in(OSCAR, totp=codes[0])
    typed = await people.sign_in(OSCAR, totp=codes[1].upper().replace("-", " "))
    again = await people.sign_in(OSCAR, totp=codes[0])
    entry, *_ = await people.audited(action="session.started", actor=people.account.agent_id)

    assert [answer.status_code for answer in (first, typed, again)] == [201, 201, 401]
    assert entry["details"] == {"factor": "recovery_code"}


async def test_neither_secret_nor_recovery_codes_are_stored_readable(people: Any) -> None:
    """What the store holds lets nobody make a code (S2)."""
    _, secret, codes = await switched_on(people)
    agent = await AgentStore(people.platform.store).find(people.account.agent_id)
    stored = agent.model_dump_json() if agent else ""

    assert stored
    assert not any(text in stored for text in (secret, *codes, *(code.replace("-", "") for code in codes)))


async def test_wrong_codes_count_for_the_lock_out(people: Any) -> None:
    """Who knows the password cannot try codes for ever: even the right one is refused then (S2)."""
    _, secret, _ = await switched_on(people)
    answers = [await people.sign_in(OSCAR, totp=f"{number:06}") for number in range(ATTEMPTS)]
    locked = await people.sign_in(OSCAR, totp=code_of(people, secret))

    assert {answer.json()["code"] for answer in answers} == {"totp_wrong"}
    assert (locked.status_code, locked.json()["code"]) == (429, "too_many_sign_ins")


async def test_turning_it_off_needs_password_and_code(people: Any) -> None:
    """A stolen session alone does not turn the second factor off; afterwards the password is enough (S2)."""
    token, secret, codes = await switched_on(people)

    async def off(password: str, code: str) -> tuple[int, str]:
        given = {"password": password, "code": code}
        answer = await people.ask(token, "DELETE", "/v1/agents/me/totp", json=given)
        return answer.status_code, answer.json()["code"] if answer.content else ""

    wrong_password = await off("not the password", code_of(people, secret))
    wrong_code = await off(PASSWORD, "000000")
    right = await off(PASSWORD, codes[3])
    again = await off(PASSWORD, codes[4])

    assert (wrong_password, wrong_code) == ((403, "wrong_password"), (403, "totp_wrong"))
    assert (right, again) == ((204, ""), (409, "totp_disabled"))
    assert (await people.sign_in(OSCAR)).status_code == 201


async def test_steps_out_of_order_are_refused(people: Any) -> None:
    """Nothing is confirmed that was not begun, nothing begun that is on, and a wrong code turns nothing on (S2)."""
    token = await people.token(OSCAR)
    unbegun = await people.ask(token, "POST", "/v1/agents/me/totp/confirm", json={"code": "123456"})
    await people.ask(token, "POST", "/v1/agents/me/totp")
    wrong = await people.ask(token, "POST", "/v1/agents/me/totp/confirm", json={"code": "000000"})
    still_off = await people.sign_in(OSCAR)
    await switched_on(people)
    begun_again = await people.ask(token, "POST", "/v1/agents/me/totp")

    assert (unbegun.status_code, unbegun.json()["code"]) == (409, "totp_not_begun")
    assert (wrong.status_code, wrong.json()["code"], still_off.status_code) == (403, "totp_wrong", 201)
    assert (begun_again.status_code, begun_again.json()["code"]) == (409, "totp_enabled")


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/v1/agents/me/totp"), ("POST", "/v1/agents/me/totp/confirm"), ("DELETE", "/v1/agents/me/totp")],
)
async def test_an_api_key_has_no_second_factor(people: Any, method: str, path: str) -> None:
    """A stolen key cannot lock its owner out of signing in (S2)."""
    given = {"POST": {"code": "1"}, "DELETE": {"code": "1", "password": "x"}}[method]
    answer = await people.http.request(method, path, json=given)

    assert (answer.status_code, answer.json()["code"]) == (403, "session_needed")


async def test_admins_help_who_lost_their_authenticator(people: Any) -> None:
    """An owner resets another's second factor; support may not, nor an admin the owner's, nor anybody their own."""
    admin = await people.add_agent(name="Ada", email="ada@acme.example", role="admin")
    ann = await people.add_agent()
    await switched_on(people, "ann@acme.example")
    by_support = await people.ask(await _code_token(people, ann), "DELETE", f"/v1/agents/{admin['id']}/totp")
    token = await people.token("ada@acme.example")
    owners = await people.ask(token, "DELETE", f"/v1/agents/{people.account.agent_id}/totp")
    own = await people.ask(token, "DELETE", f"/v1/agents/{admin['id']}/totp")
    reset = await people.ask(token, "DELETE", f"/v1/agents/{ann['id']}/totp")

    assert (by_support.status_code, owners.status_code, own.status_code) == (403, 403, 403)
    assert [one.json()["code"] for one in (by_support, owners, own)] == [
        "forbidden",
        "role_too_high",
        "own_credentials",
    ]
    assert reset.status_code == 204
    assert (await people.sign_in("ann@acme.example")).status_code == 201


async def _code_token(people: Any, agent: dict[str, Any]) -> str:
    key = await people.http.post("/v1/api-keys", json={"name": "k", "scopes": ["*"], "agent_id": agent["id"]})
    return str(key.json()["key"])
