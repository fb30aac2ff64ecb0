"""The first door: requests too large, or with bytes that no address may hold, are refused before anything else."""

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service_kit.problem import Problem


class RequestLimits:
    """ASGI middleware: at most `max_body_bytes`, counted while the body arrives, whatever Content-Length says."""

    def __init__(self, app: ASGIApp, max_body_bytes: int) -> None:
        if max_body_bytes < 0:
            raise ValueError("max_body_bytes must not be negative")
        self._app = app
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or hand the request on with a counted body."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if "\x00" in scope["path"] or b"%00" in scope["query_string"]:
            raise Problem(400, "bad_request", "The address must not hold the NUL character.")
        for name, value in scope["headers"]:
            if name == b"content-length" and value.isdigit() and self._is_too_large(int(value[:20])):
                raise self._refusal()
        await self._app(scope, self._counted(receive), send)

    def _counted(self, receive: Receive) -> Receive:
        arrived = 0

        async def counted() -> Message:
            nonlocal arrived
            message = await receive()
            arrived += len(message.get("body", b""))
            if self._is_too_large(arrived):
                raise self._refusal()
            return message

        return counted

    def _is_too_large(self, size: int) -> bool:
        return size > self._max_body_bytes

    def _refusal(self) -> HTTPException:
        # FastAPI turns every other error raised while it reads a body into a 400.
        return HTTPException(413, f"The body may have {self._max_body_bytes} bytes.")
