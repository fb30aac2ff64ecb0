from datetime import timedelta
from typing import Any

import pytest

from tickets.access.sign_in_limit import ATTEMPTS

OSCAR = "oscar@acme.example"


async def lock(people: Any, **more: Any) -> None:
    """Fail as often as one may."""
    for _ in range(ATTEMPTS):
        assert (await people.sign_in(OSCAR, "not the password", **more)).status_code == 401


async def test_strangers_cannot_lock_out_a_known_device(people: Any) -> None:
    """However long strangers guess, a device that signed in before still can, and its failures are its own (S2)."""
    device = (await people.sign_in(OSCAR)).json()["device_token"]
    await lock(people)
    stranger = await people.sign_in(OSCAR)
    known = await people.sign_in(OSCAR, device_token=device)
    await lock(people, device_token=device)
    locked = await people.sign_in(OSCAR, device_token=device)

    assert (stranger.status_code, known.status_code, locked.status_code) == (429, 201, 429)
    assert known.json()["device_token"] == device


@pytest.mark.parametrize(("away", "expected"), [(timedelta(days=88), 201), (timedelta(days=91), 429)])
async def test_a_device_is_forgotten_when_it_is_not_used(people: Any, away: timedelta, expected: int) -> None:
    """Each sign-in gives a token for ninety days more; one found later is as good as none (S2)."""
    device = (await people.sign_in(OSCAR)).json()["device_token"]
    people.clock.advance(timedelta(days=88))
    newer = (await people.sign_in(OSCAR, device_token=device)).json()["device_token"]
    people.clock.advance(away)
    await lock(people)

    assert (await people.sign_in(OSCAR, device_token=newer)).status_code == expected
    assert newer.partition(".")[0] == device.partition(".")[0]


@pytest.mark.parametrize("flaw", ["tampered", "of another address", "made up", "younger", "without a day"])
async def test_a_device_token_cannot_be_made_or_borrowed(people: Any, flaw: str) -> None:
    """Only a sign-in with this very address gives a token that counts apart (S2)."""
    await people.add_agent()
    mine = (await people.sign_in(OSCAR)).json()["device_token"]
    theirs = (await people.sign_in("ann@acme.example")).json()["device_token"]
    device_id, day, signature = mine.split(".")
    token = {
        "tampered": f"{device_id}x.{day}.{signature}",
        "of another address": theirs,
        "made up": f"dev_0123456789abcdef01234567.{day}.abcdefghijklmnop",
        "younger": f"{device_id}.{int(day) + 1}.{signature}",
        "without a day": f"{device_id}..{signature}",
    }[flaw]
    await lock(people)

    assert (await people.sign_in(OSCAR, device_token=token)).status_code == 429


async def test_strangers_cannot_keep_somebody_from_changing_their_password(people: Any) -> None:
    """What a session gives is counted per agent: guesses at the door do not lock those inside (S2)."""
    token = await people.token(OSCAR)
    await lock(people)
    patch = {"password": "another long password", "current_password": "correct horse battery"}
    changed = await people.ask(token, "PATCH", "/v1/agents/me", json=patch)

    assert changed.status_code == 200


async def test_a_stolen_session_cannot_guess_the_password_for_ever(people: Any) -> None:
    """Wrong passwords given by a session lock that way of asking, and not the way in (S2)."""
    token = await people.token(OSCAR)
    patch = {"password": "another long password", "current_password": "wrong"}
    answers = [await people.ask(token, "PATCH", "/v1/agents/me", json=patch) for _ in range(ATTEMPTS + 1)]

    assert [answer.status_code for answer in answers] == [403] * ATTEMPTS + [429]
    assert (await people.sign_in(OSCAR)).status_code == 201
