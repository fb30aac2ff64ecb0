"""Somebody's server that subscribed to webhooks, and remembers every call."""

import json
from dataclasses import dataclass

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

PATH = "/hooks"


@dataclass(frozen=True, slots=True)
class HookCall:
    """One call about a message; the same `webhook_id` again is the same event again."""

    webhook_id: str
    ticket_id: str
    message_id: str
    body: str


class HookReceiver:
    """Takes every call."""

    def __init__(self) -> None:
        self.calls: list[HookCall] = []

    @property
    def routes(self) -> list[Route]:
        """Where it is called."""
        return [Route(PATH, self._take, methods=["POST"])]

    async def _take(self, request: Request) -> Response:
        try:
            body = (await request.body()).decode()
        except ClientDisconnect:  # the caller was killed in the middle of its call
            return Response(status_code=400)
        told = json.loads(body)["data"]
        self.calls.append(HookCall(request.headers["webhook-id"], told["ticket_id"], told["message_id"], body))
        return Response(status_code=204)
