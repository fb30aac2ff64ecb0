"""A token server of OAuth 2 that is none: it hands out access tokens, and tells a mail server which of them hold.

The large providers' own can be had with accounts of theirs only. What it takes and answers is RFC 6749, 5 and 6.
"""

import json
from http import HTTPStatus
from itertools import count
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from end_to_end.http_peer import HttpPeer, Request

CLIENT_ID = "desk"
CLIENT_SECRET = "shh"


class SimulatedTokenServer:
    """Of one user. With `rotates` every refresh token is good for one access token, and comes with the next.

    `error` is what it refuses everything with, while it is set.
    """

    def __init__(self, user: str, *, rotates: bool = False, expires_in: int = 3600) -> None:
        self.refresh_token = "refresh-0"
        self.access_tokens: set[str] = set()
        self.forms: list[dict[str, str]] = []
        self.error: tuple[int, str] | None = None
        self._user = user
        self._rotates = rotates
        self._expires_in = expires_in
        self._numbers = count(1)
        self._http = HttpPeer(self._answer)

    @property
    def token_url(self) -> str:
        """Where access tokens are had."""
        return f"{self._http.url}/token"

    @property
    def info_url(self) -> str:
        """Where a mail server learns whose an access token is; it appends the token."""
        return f"{self._http.url}/info?access_token="

    def __enter__(self) -> Self:
        self._http.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.__exit__(kind, error, trace)

    def revoke(self) -> None:
        """Let no access token hold that was handed out so far."""
        self.access_tokens.clear()

    def auth(self, **changes: str) -> dict[str, str]:
        """The `auth` of a mailbox whose tokens come from here."""
        known = {"type": "oauth2", "token_url": self.token_url, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        return {**known, "refresh_token": "refresh-0", "scope": "mail.read", **changes}

    def _answer(self, request: Request) -> tuple[int, bytes]:
        if request.path.startswith("/info"):
            status, answer = self._told(parse_qs(urlsplit(request.path).query)["access_token"][0])
        else:
            self.forms.append(request.form)
            status, answer = self._granted(request.form)
        return status, json.dumps(answer).encode()

    def _told(self, token: str) -> tuple[int, dict[str, Any]]:
        if token not in self.access_tokens:
            return HTTPStatus.UNAUTHORIZED, {"error": "invalid_token"}
        return HTTPStatus.OK, {"email": self._user, "expires_in": self._expires_in}

    def _granted(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if self.error is not None:
            status, error = self.error
            return status, {"error": error}
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return HTTPStatus.UNAUTHORIZED, {"error": "invalid_client"}
        if form.get("grant_type") != "refresh_token" or form.get("refresh_token") != self.refresh_token:
            return HTTPStatus.BAD_REQUEST, {"error": "invalid_grant"}
        number = next(self._numbers)
        self.access_tokens.add(f"access-{number}")
        granted = {"access_token": f"access-{number}", "token_type": "Bearer", "expires_in": self._expires_in}
        if self._rotates:
            self.refresh_token = f"refresh-{number}"
            granted["refresh_token"] = self.refresh_token
        return HTTPStatus.OK, granted
