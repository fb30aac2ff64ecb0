"""What every answer forbids browsers: to guess types, to frame it, to tell where they came from, to run anything."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_STARTS = frozenset({"http.response.start", "websocket.http.response.start"})
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'",
}
"""For answers that are no pages; whoever answers with one says its own policy (`Page`)."""
_NO_FRAMES = "frame-ancestors 'none'"
_ONLY_ENCRYPTED = "max-age=31536000"
"""A year, of this host alone: other names under its domain are not ours to speak for."""


class SecurityHeaders:
    """ASGI middleware, around everything that a process serves; what an answer says itself stays.

    `origin` is the public one: where it is https, browsers are told never to come without encryption again.
    """

    def __init__(self, app: ASGIApp, *, origin: str) -> None:
        self._app = app
        self._headers = dict(_HEADERS)
        if origin.lower().startswith("https://"):
            self._headers["Strict-Transport-Security"] = _ONLY_ENCRYPTED

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, with the headers."""

        async def with_headers(message: Message) -> None:
            if message["type"] in _STARTS:
                self._complete(MutableHeaders(scope=message))
            await send(message)

        await self._app(scope, receive, with_headers)

    def _complete(self, headers: MutableHeaders) -> None:
        for name, value in self._headers.items():
            headers.setdefault(name, value)
        policy = headers["Content-Security-Policy"]
        if "frame-ancestors" not in policy:
            headers["Content-Security-Policy"] = f"{policy}; {_NO_FRAMES}"
