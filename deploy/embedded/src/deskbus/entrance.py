"""What a process answers before its service can, and while it leaves: alive, not ready, come back in a moment."""

from fastapi import Response
from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from service_kit.http.problems import failure_response
from service_kit.http.request_state import request_state
from service_kit.problem import Problem

_RETRY_AFTER_SECONDS = "2"


class Entrance:
    """The ASGI application of a service's process: the service's own from `open` on.

    `/healthz` is 200 all the time, because a process that waits for its engines must not be restarted for it.
    """

    def __init__(self, service: str) -> None:
        self._service = service
        self._application: ASGIApp | None = None
        self._awaited = "the service to be composed"
        self._is_leaving = False

    @property
    def is_open(self) -> bool:
        """Whether the service answers."""
        return self._application is not None

    def wait_for(self, what: str) -> None:
        """Say what is missing."""
        self._awaited = what

    def open(self, application: ASGIApp) -> None:
        """Let everybody in."""
        self._application = application

    def leave(self) -> None:
        """Go on answering, and tell whoever asks that it will end."""
        self._is_leaving = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request to the service, or answer for it."""
        is_asked_for_readiness = scope.get("path") == "/readyz"
        if self._application is not None and not (self._is_leaving and is_asked_for_readiness):
            await self._application(scope, receive, send)
        elif scope["type"] == "websocket":
            await WebSocket(scope, receive, send).send_denial_response(self._answer(scope))
        else:
            await self._answer(scope)(scope, receive, send)

    def _answer(self, scope: Scope) -> Response:
        if scope["path"] == "/healthz":
            return JSONResponse({"status": "ok", "service": self._service})
        if self._is_leaving:
            problem = Problem(503, "not_ready", "Stopping.")
        elif scope["path"] == "/readyz":
            problem = Problem(503, "not_ready", f"Waiting: {self._awaited}", waiting_for=self._awaited)
        else:
            problem = Problem(
                503, "starting", f"{self._service} is starting.", headers={"Retry-After": _RETRY_AFTER_SECONDS}
            )
        return failure_response(problem, request_state(scope).request_id)
