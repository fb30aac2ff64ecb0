"""Where access tokens come from: the token servers that accounts name, asked through the guard."""

from pathlib import Path
from urllib.parse import urlencode

from contracts.imap import OAuth2Auth
from ingest_email.imap.imap_failure import ImapFailure
from ingest_email.imap.imap_trust import Trust
from ingest_email.imap.token_answer import AccessToken, read_answer
from service_kit.clock import Clock
from service_kit.ssrf import ForbiddenAddress, GuardedHttp, MalformedRequest, PeerUnavailable, ResponseTooLarge

_ANSWER_BYTES = 64 * 1024
_HEADERS = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}


class TokenServers:
    """Asks them. Their names are those of accounts: they must not lead to our own network."""

    def __init__(self, clock: Clock, *, allow_private: bool, ca_file: Path | None) -> None:
        self._clock = clock
        self._allow_private = allow_private
        self._trust = Trust(ca_file)
        self._http: GuardedHttp | None = None

    async def refresh(self, auth: OAuth2Auth, refresh_token: str) -> AccessToken:
        """An access token for a refresh token.

        Raises:
            ImapFailure: there is none now.
        """
        http = self._http = self._http or await self._client()
        content = urlencode(_form(auth, refresh_token)).encode()
        now = self._clock.now()
        try:
            answer = await http.request("POST", str(auth.token_url), headers=_HEADERS, content=content)
        except ForbiddenAddress as error:
            raise ImapFailure("forbidden_address") from error
        except PeerUnavailable as error:
            raise ImapFailure("token_server_unavailable") from error
        except (MalformedRequest, ResponseTooLarge) as error:
            raise ImapFailure("token_refused") from error
        return read_answer(answer.status, answer.body, now=now)

    async def _client(self) -> GuardedHttp:
        tls = await self._trust.context()
        return GuardedHttp(allow_private=self._allow_private, max_response_bytes=_ANSWER_BYTES, tls=tls)


def _form(auth: OAuth2Auth, refresh_token: str) -> dict[str, str]:
    """Who we are stands in the form, as the large providers document it, and clients without a secret must have it."""
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token, "client_id": auth.client_id}
    if auth.client_secret is not None:
        form["client_secret"] = auth.client_secret
    return {**form, "scope": auth.scope} if auth.scope else form
