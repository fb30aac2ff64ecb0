"""What token servers answer, as RFC 6749 has it and as others say it."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from ingest_email.imap.imap_failure import ImapFailure
from ingest_email.imap.token_answer import read_answer

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def answered(status: int = 200, **said: Any) -> Any:
    """What is read of an answer."""
    return read_answer(status, json.dumps(said).encode(), now=NOON)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ({"expires_in": 3600, "token_type": "bearer"}, 3540),
        ({"expires_in": "3600", "token_type": "Bearer"}, 3540),
        ({"expires_in": 40}, 20),
        ({"expires_in": 0}, 0),
        ({}, 240),
        ({"expires_in": 10**30}, 24 * 3600 - 60),
    ],
)
def test_a_token_is_held_until_shortly_before_its_end(said: dict[str, Any], seconds: int) -> None:
    """However the server says how long it lives, or does not; never longer than a day."""
    token = answered(access_token="t", **said)

    assert token.value == "t"
    assert (token.valid_until - NOON).total_seconds() == seconds


def test_the_next_refresh_token_is_taken_along() -> None:
    """Where the server gives another for next time; else there is none (RFC 6749, 6)."""
    assert answered(access_token="t", refresh_token="r").refresh_token == "r"
    assert answered(access_token="t").refresh_token is None


@pytest.mark.parametrize(
    ("status", "said", "code"),
    [
        (400, {"error": "invalid_grant", "error_description": "revoked"}, "authorization_ended"),
        (400, {"error": "interaction_required"}, "authorization_ended"),
        (401, {"error": "invalid_client"}, "token_refused"),
        (400, {"error": "invalid_scope"}, "token_refused"),
        (400, {"error": "temporarily_unavailable"}, "token_server_unavailable"),
        (400, {"error": ["invalid_grant"]}, "token_refused"),
        (404, {}, "token_refused"),
        (302, {"access_token": "t"}, "token_refused"),
        (429, {"error": "invalid_grant"}, "token_server_unavailable"),
        (503, {}, "token_server_unavailable"),
        (200, {}, "token_refused"),
        (200, {"access_token": ""}, "token_refused"),
        (200, {"access_token": "t", "token_type": "mac"}, "token_refused"),
        (200, {"access_token": "t\x01auth=Bearer other"}, "token_refused"),
        (200, {"access_token": "t", "refresh_token": "r\r\n"}, "token_refused"),
        (200, {"access_token": "t" * 20_000}, "token_refused"),
        (200, {"access_token": "t", "expires_in": -1}, "token_refused"),
    ],
)
def test_what_is_no_token_says_whose_turn_it_is(status: int, said: dict[str, Any], code: str) -> None:
    """Ours to wait, somebody's to set right, or somebody's to allow us in again."""
    with pytest.raises(ImapFailure) as failure:
        answered(status, **said)

    assert failure.value.code == code


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"<html>", b"\xff", b"[" * 100_000])
def test_what_is_no_answer_is_a_refusal(body: bytes) -> None:
    """Pages of a proxy, nothing, and what is made to stall a reader."""
    with pytest.raises(ImapFailure, match="token_refused"):
        read_answer(200, body, now=NOON)
