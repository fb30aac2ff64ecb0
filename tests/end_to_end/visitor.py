"""A visitor at the chat widget: one websocket, every frame kept."""

import json
import time
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

Frame = dict[str, Any]


class Visitor:
    """A context manager. `frames` are all that came in, in order."""

    def __init__(self, base_url: str, account_id: str, *, token: str | None = None, seq: int = 0) -> None:
        self._url = f"{base_url.replace('http', 'ws', 1)}/v1/chat/ws?account={account_id}"
        self._hello: Frame = {"type": "hello"} if token is None else {"type": "hello", "token": token, "seq": seq}
        self._socket: ClientConnection | None = None
        self._open = ExitStack()
        self._looked_at = 0
        self.frames: list[Frame] = []
        self.welcome: Frame = {}

    def __enter__(self) -> Self:
        self._socket = self._open.enter_context(connect(self._url, compression=None, open_timeout=15, close_timeout=5))
        self.send(self._hello)
        self.welcome = self.expect("welcome")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    @property
    def socket(self) -> ClientConnection:
        """The open socket."""
        if self._socket is None:
            raise AssertionError("enter the context first")
        return self._socket

    @property
    def token(self) -> str:
        """What resumes the conversation."""
        return str(self.welcome["token"])

    def send(self, frame: Frame) -> None:
        """Any frame."""
        self.socket.send(json.dumps(frame))

    def say(self, client_id: str, text: str) -> int:
        """Send a message; its number, once it was acknowledged."""
        self.send({"type": "message", "client_id": client_id, "text": text})
        ack = self.expect("ack")
        assert ack["client_id"] == client_id
        return int(ack["seq"])

    def expect(self, kind: str, *, seconds: float = 20) -> Frame:
        """The next frame of a kind that was not looked at before; those before it count as looked at."""
        deadline = time.monotonic() + seconds
        while True:
            while self._looked_at < len(self.frames):
                self._looked_at += 1
                frame = self.frames[self._looked_at - 1]
                if frame["type"] == kind:
                    return frame
            self._receive(max(0.01, deadline - time.monotonic()), kind)

    def messages(self) -> list[tuple[str, str]]:
        """Who said what, as far as the server said it."""
        return [(frame["from"], frame["text"]) for frame in self.frames if frame["type"] == "message"]

    def _receive(self, seconds: float, wanted: str) -> None:
        try:
            self.frames.append(json.loads(self.socket.recv(timeout=seconds)))
        except TimeoutError:
            raise AssertionError(f"no frame {wanted!r} came; there were {self.frames}") from None
        except ConnectionClosed as error:
            raise AssertionError(f"closed while waiting for {wanted!r}: {error}") from error
