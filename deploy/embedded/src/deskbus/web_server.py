"""The HTTP server of the one origin: uvicorn, driven by us, so that doors close in the right order."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from service_kit.errors import DeskbusError, ReaderGone
from service_kit.http.security_headers import SecurityHeaders


class PortTakenError(DeskbusError):
    """Somebody else listens there."""


class WebServer:
    """Serves one application until stopped; requests in flight get a few seconds to end.

    `origin` is where the world sees it.
    """

    def __init__(
        self, application: ASGIApp, *, host: str, port: int, trusted_proxies: str = "", origin: str = ""
    ) -> None:
        self._host, self._port = host, port
        config = uvicorn.Config(
            SecurityHeaders(application, origin=origin),
            lifespan="off",
            log_config=None,
            access_log=False,
            ws="websockets-sansio",
            ws_max_size=65_536,
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=5,
            server_header=False,
            proxy_headers=bool(trusted_proxies),
            forwarded_allow_ips=trusted_proxies or None,
        )
        logging.getLogger("uvicorn.error").addFilter(_is_no_false_alarm)
        self._server = _Server(config)
        self._running: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen; returns when connections are taken.

        Raises:
            PortTakenError: the address is in use.
        """
        listener = _listen(self._host, self._port)
        self._running = asyncio.create_task(self._server.serve(sockets=[listener]))
        while not self._server.started:
            await asyncio.wait({self._running}, timeout=0.01)
            if self._running.done():
                await self._running

    async def stop(self) -> None:
        """Take no more connections, let requests end, and stop."""
        self._server.should_exit = True
        if self._running is not None:
            await self._running


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling: whoever composes us decides when to stop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the process's signals alone."""
        yield


def _is_no_false_alarm(record: logging.LogRecord) -> bool:
    """Whether a log record tells something of ours to repair.

    uvicorn 0.54 calls every refused websocket a handshake left open, and a reader that was cut off a failure.
    """
    if record.exc_info is not None and isinstance(record.exc_info[1], ReaderGone):
        return False
    return record.getMessage() != "ASGI callable returned without completing handshake."


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio sends small writes at once (TCP_NODELAY) only where it is: otherwise every
    # answer waits 40 ms for the caller's delayed acknowledgement of its headers.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise PortTakenError(
            f"cannot listen on {host}:{port} ({error.strerror}). Choose another port with DESKBUS_HTTP_PORT."
        ) from error
    return listener
