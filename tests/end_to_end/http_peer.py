"""The other side of outgoing HTTP: Twilio's REST API and receivers of webhooks."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl

from end_to_end.until import until


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came in; header names are lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        """The fields of a form."""
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


Answer = Callable[[Request], tuple[int, bytes]]
"""Status and JSON body for a request."""


def taking(_request: Request) -> tuple[int, bytes]:
    """Any request is welcome."""
    return 200, b"{}"


class HttpPeer:
    """An HTTP server that keeps what it has answered, and answers what it is told; a context manager.

    `connected` is set when the first request came in, answered or not.
    """

    def __init__(self, answer: Answer = taking) -> None:
        self.answer = answer
        self.requests: list[Request] = []
        self.connected = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def wait_for(self, wanted: Callable[[Request], bool], count: int = 1) -> list[Request]:
        """The requests that are wanted, once there are `count`."""
        return until(lambda: found if len(found := [one for one in self.requests if wanted(one)]) >= count else [])

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        peer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", "0")))
                headers = {name.lower(): value for name, value in self.headers.items()}
                request = Request(self.path, headers, body)
                peer.connected.set()
                status, content = peer.answer(request)
                peer.requests.append(request)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST  # noqa: N815 - the server finds methods by these names

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        return Handler
