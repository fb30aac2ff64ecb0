"""What a token server says to a refresh token (RFC 6749, 5.1 and 5.2). Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated

from pydantic import BaseModel, Field, ValidationError

from ingest_email.imap.imap_failure import FailureCode, ImapFailure

_UNSAID_SECONDS = 300
_LONGEST_SECONDS = 24 * 3600
_EARLY_SECONDS = 60
"""A token is replaced so long before it expires, or after half of its life if that is shorter."""

_PASSING = frozenset({"temporarily_unavailable", "server_error", "slow_down"})
_ENDED = frozenset({"invalid_grant", "interaction_required", "consent_required", "login_required"})
"""Somebody must allow us in again. All but the first are what OpenID providers say instead."""

_Visible = Annotated[str, Field(pattern=r"^[\x21-\x7e]+$")]
"""Without a control character, which would end the token where it is sent on."""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What opens the mailbox for a while; `refresh_token` is set where the server gave another one for next time."""

    value: str
    valid_until: datetime
    refresh_token: str | None = None


class _Granted(BaseModel):
    access_token: Annotated[_Visible, Field(max_length=16_384)]
    token_type: str = Field(default="Bearer", pattern=r"^(?i:bearer)$")
    expires_in: int | None = Field(default=None, ge=0)
    refresh_token: Annotated[_Visible, Field(max_length=4096)] | None = None


class _Refused(BaseModel):
    error: str = Field(max_length=100)


def read_answer(status: int, body: bytes, *, now: datetime) -> AccessToken:
    """The token that was granted.

    Raises:
        ImapFailure: none was, or the answer is none.
    """
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
        raise ImapFailure("token_server_unavailable")
    try:
        if status != HTTPStatus.OK:
            raise ImapFailure(_refusal(_Refused.model_validate_json(body).error))
        granted = _Granted.model_validate_json(body)
    except ValidationError as error:
        raise ImapFailure("token_refused") from error
    life = _UNSAID_SECONDS if granted.expires_in is None else min(granted.expires_in, _LONGEST_SECONDS)
    valid_until = now + timedelta(seconds=life - min(_EARLY_SECONDS, life / 2))
    return AccessToken(granted.access_token, valid_until, granted.refresh_token)


def _refusal(error: str) -> FailureCode:
    if error in _ENDED:
        return "authorization_ended"
    return "token_server_unavailable" if error in _PASSING else "token_refused"
