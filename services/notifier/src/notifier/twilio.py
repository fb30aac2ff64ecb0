"""Twilio's REST API: one message out.

https://www.twilio.com/docs/messaging/api/message-resource
"""

import base64
import json
from dataclasses import dataclass
from urllib.parse import urlencode

from notifier.errors import Deferred, Refused
from service_kit.ssrf import GuardedHttp, PeerUnavailable

_DEFAULT_BASE_URL = "https://api.twilio.com"
_TOO_MANY = 429
_SERVER_ERROR = 500
_REDIRECT = 300


@dataclass(frozen=True, slots=True)
class TwilioAccount:
    """Whose API is called, and where; `base_url` is another one for regional edges."""

    account_sid: str
    auth_token: str
    base_url: str | None


class TwilioGateway:
    """Sends SMS."""

    def __init__(self, http: GuardedHttp) -> None:
        self._http = http

    async def send(self, account: TwilioAccount, sender: str, recipient: str, text: str, status_url: str) -> str:
        """Queue one message at Twilio; its SID.

        Raises:
            Deferred: Twilio cannot be reached, is busy, or limits us.
            Refused: Twilio will not send it; the text has its code.
        """
        base = (account.base_url or _DEFAULT_BASE_URL).rstrip("/")
        credentials = base64.b64encode(f"{account.account_sid}:{account.auth_token}".encode()).decode()
        form = {"From": sender, "To": recipient, "Body": text, "StatusCallback": status_url}
        try:
            answer = await self._http.request(
                "POST",
                f"{base}/2010-04-01/Accounts/{account.account_sid}/Messages.json",
                headers={
                    "Authorization": f"Basic {credentials}",
                    "Content-Type": "application/x-www-form-urlencoded",
                },
                content=urlencode(form).encode(),
            )
        except PeerUnavailable as error:
            raise Deferred(f"Twilio cannot be reached: {error}", in_doubt=error.may_have_arrived) from error
        return _sid(answer.status, answer.body)


def _sid(status: int, body: bytes) -> str:
    try:
        answer = json.loads(body)
    except ValueError:
        answer = {}
    if status == _TOO_MANY or status >= _SERVER_ERROR:
        raise Deferred(f"Twilio answered {status}")
    if status >= _REDIRECT or not isinstance(answer, dict) or not answer.get("sid"):
        code = answer.get("code") if isinstance(answer, dict) else None
        raise Refused(f"Twilio answered {status}" + (f", error {code}" if code else ""))
    return str(answer["sid"])
