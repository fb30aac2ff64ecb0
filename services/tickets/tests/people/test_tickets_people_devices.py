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


@pytest.mark.parametrize("flaw", ["tampered", "of another address", "made up"])
async def test_a_device_token_cannot_be_made_or_borrowed(people: Any, flaw: str) -> None:
    """Only a sign-in with this very address gives a token that counts apart (S2)."""
    await people.add_agent()
    mine = (await people.sign_in(OSCAR)).json()["device_token"]
    theirs = (await people.sign_in("ann@acme.example")).json()["device_token"]
    device_id, _, signature = mine.partition(".")
    token = {
        "tampered": f"{device_id}x.{signature}",
        "of another address": theirs,
        "made up": "dev_0123456789abcdef01234567.abcdefghijklmnop",
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
