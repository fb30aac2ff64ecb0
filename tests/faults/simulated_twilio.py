"""A simulated Twilio, as far as the system calls it: one route that takes a message and gives it a SID.

https://www.twilio.com/docs/messaging/api/message-resource
"""

import base64
import secrets
from dataclasses import dataclass
from urllib.parse import parse_qs

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


@dataclass(frozen=True, slots=True)
class SentText:
    """An SMS that left."""

    sid: str
    sender: str
    recipient: str
    text: str


class SimulatedTwilio:
    """Accepts every message of one account. Like the real one it cannot tell that a message comes again."""

    def __init__(self, account_sid: str, auth_token: str) -> None:
        self.texts: list[SentText] = []
        self._account_sid = account_sid
        self._credentials = base64.b64encode(f"{account_sid}:{auth_token}".encode()).decode()

    @property
    def routes(self) -> list[Route]:
        """Where it is called."""
        path = f"/2010-04-01/Accounts/{self._account_sid}/Messages.json"
        return [Route(path, self._take, methods=["POST"])]

    async def _take(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Basic {self._credentials}":
            return JSONResponse({"code": 20003, "message": "Authenticate"}, status_code=401)
        try:
            form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        except ClientDisconnect:  # the caller was killed in the middle of its call
            return Response(status_code=400)
        sent = SentText(f"SM{secrets.token_hex(16)}", form["From"], form["To"], form["Body"])
        self.texts.append(sent)
        return JSONResponse({"sid": sent.sid, "status": "queued"}, status_code=201)
