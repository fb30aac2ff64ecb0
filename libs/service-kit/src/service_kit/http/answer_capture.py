"""Holds an answer back until it is known whole, so that it can be stored before anybody sees it."""

from starlette.types import Message, Send

_MAX_BODY_BYTES = 256 * 1024

_STREAMS = (b"application/x-ndjson", b"text/event-stream")
"""What is read while it is still being said: held back, it would be of no use."""


class AnswerCapture:
    """An ASGI `send`. An answer that grows too large, or a stream, is let through as it comes: it is not complete."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._held: list[Message] = []
        self._size = 0
        self._is_passing = False
        self._has_ended = False

    async def __call__(self, message: Message) -> None:
        """Hold the message, or pass it on once the answer is too large to be held."""
        self._has_ended = message["type"] == "http.response.body" and not message.get("more_body", False)
        self._size += len(message.get("body", b""))
        self._held.append(message)
        self._is_passing = self._is_passing or _begins_stream(message)
        if self._is_passing or self._size > _MAX_BODY_BYTES:
            self._is_passing = True
            await self.forward()

    @property
    def is_complete(self) -> bool:
        """Whether the whole answer is held."""
        return self._has_ended and not self._is_passing

    @property
    def status(self) -> int:
        """The answer's status; 0 when there was none, or it has been let through."""
        return self._held[0]["status"] if self._held else 0

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """The answer's headers, names in lower case."""
        return [(name.lower(), value) for name, value in self._held[0].get("headers", ())]

    @property
    def body(self) -> bytes:
        """The answer's body."""
        return b"".join(message.get("body", b"") for message in self._held)

    async def forward(self) -> None:
        """Pass on what is held."""
        held, self._held = self._held, []
        for message in held:
            await self._send(message)


def _begins_stream(message: Message) -> bool:
    if message["type"] != "http.response.start":
        return False
    types = [value for name, value in message.get("headers", ()) if name.lower() == b"content-type"]
    return any(value.lower().startswith(_STREAMS) for value in types)
