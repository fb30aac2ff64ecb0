"""One-time passwords as a second factor (RFC 6238): which code counts, once, and what is kept of them. No I/O."""

import hashlib
import hmac
import secrets
from base64 import b32encode
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

import pyotp
from pydantic import Field

from tickets.people.agents import Agent, SecondFactor

GivenCode = Annotated[str, Field(max_length=64)]
"""A code as it was typed: of six digits, or one to recover with."""

Factor = Literal["password", "totp", "recovery_code"]
"""The strongest proof that somebody gave when signing in."""

RECOVERY_CODES = 10
_RECOVERY_BYTES = 10
"""80 random bits, so that a plain hash cannot be reversed."""
_DRIFT_STEPS = 1
_ISSUER = "Deskbus"


@dataclass(frozen=True, slots=True)
class Spent:
    """The agent after a code was used up."""

    agent: Agent
    factor: Factor


def new_secret() -> str:
    """160 random bits in base32, as RFC 4226 recommends."""
    return pyotp.random_base32()


def otpauth_uri(secret: str, email: str) -> str:
    """What an authenticator application reads as a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=_ISSUER)


def accepted_step(secret: str, code: str, *, after: int, now: datetime) -> int | None:
    """The time step that `code` belongs to, if it is at most one away from now and later than `after`."""
    totp = pyotp.TOTP(secret)
    present = totp.timecode(now)
    given = code.replace(" ", "").encode()
    for step in range(present - _DRIFT_STEPS, present + _DRIFT_STEPS + 1):
        if hmac.compare_digest(totp.generate_otp(step).encode(), given) and step > after:
            return step
    return None


def new_recovery_codes() -> tuple[str, ...]:
    """Codes to keep on paper, each good for one sign-in; `abcd-efgh-ijkl-mnop`."""
    texts = [b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode().lower() for _ in range(RECOVERY_CODES)]
    return tuple("-".join(text[begin : begin + 4] for begin in range(0, len(text), 4)) for text in texts)


def recovery_hash(agent_id: str, code: str) -> str:
    """What is stored of a recovery code."""
    plain = code.replace(" ", "").replace("-", "").lower()
    return hashlib.sha256(f"{agent_id}/{plain}".encode()).hexdigest()


def begun(agent: Agent, sealed_secret: str, now: datetime) -> Agent:
    """The agent who was shown a secret and has to prove to have it."""
    return agent.model_copy(update={"totp_pending": sealed_secret, "updated_at": now})


def enabled(agent: Agent, sealed_secret: str, step: int, recovery_hashes: tuple[str, ...], now: datetime) -> Agent:
    """The agent who needs a code from now on; the one that proved it is used up."""
    factor = SecondFactor(secret=sealed_secret, last_step=step, recovery_hashes=recovery_hashes)
    return agent.model_copy(update={"totp": factor, "totp_pending": None, "updated_at": now})


def disabled(agent: Agent, now: datetime) -> Agent:
    """The agent who needs the password only."""
    return agent.model_copy(update={"totp": None, "totp_pending": None, "updated_at": now})


def spent(agent: Agent, factor: SecondFactor, secret: str, code: str, now: datetime) -> Spent | None:
    """The agent after `code` was used up; None where it is none, or was used before."""
    step = accepted_step(secret, code, after=factor.last_step, now=now)
    if step is not None:
        return Spent(_with(agent, factor, last_step=step), "totp")
    hashed = recovery_hash(agent.id, code)
    remaining = tuple(one for one in factor.recovery_hashes if one != hashed)
    if len(remaining) == len(factor.recovery_hashes):
        return None
    return Spent(_with(agent, factor, recovery_hashes=remaining), "recovery_code")


def _with(agent: Agent, factor: SecondFactor, **changes: object) -> Agent:
    return agent.model_copy(update={"totp": factor.model_copy(update=changes)})
