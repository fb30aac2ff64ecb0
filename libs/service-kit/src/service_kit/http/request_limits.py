"""The first door: requests too large, or with bytes that no address may hold, are refused before anything else."""

from collections.abc import Mapping
from types import MappingProxyType

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service_kit.problem import Problem


class RequestLimits:
    """ASGI middleware: at most `max_body_bytes`, counted while the body arrives, whatever Content-Length says.

    `larger` has other limits for paths below a prefix.
    """

    def __init__(self, app: ASGIApp, max_body_bytes: int, larger: Mapping[str, int] = MappingProxyType({})) -> None:
        if max_body_bytes < 0:
            raise ValueError("max_body_bytes must not be negative")
        self._app = app
        self._max_body_bytes = max_body_bytes
        self._larger = larger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or hand the request on with a counted body."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if "\x00" in scope["path"] or b"%00" in scope["query_string"]:
            raise Problem(400, "bad_request", "The address must not hold the NUL character.")
        limit = self._limit_of(scope["path"])
        for name, value in scope["headers"]:
            if name == b"content-length" and value.isdigit() and int(value[:20]) > limit:
                raise _refusal(limit)
        await self._app(scope, _counted(receive, limit), send)

    def _limit_of(self, path: str) -> int:
        return next((limit for prefix, limit in self._larger.items() if path.startswith(prefix)), self._max_body_bytes)


def _counted(receive: Receive, limit: int) -> Receive:
    arrived = 0

    async def counted() -> Message:
        nonlocal arrived
        message = await receive()
        arrived += len(message.get("body", b""))
        if arrived > limit:
            raise _refusal(limit)
        return message

    return counted


def _refusal(limit: int) -> HTTPException:
    # FastAPI turns every other error raised while it reads a body into a 400.
    return HTTPException(413, f"The body may have {limit} bytes.")
