"""A reverse proxy for tests only: one origin in front of the services, routed as the services say themselves.

It takes one request a connection, says whom it came from, and then passes bytes both ways until one side ends, so
that websockets need nothing of their own. What real proxies add beyond that is theirs to test.
"""

import asyncio
import re
import threading
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from types import TracebackType
from typing import Self

from deskbus.public_routes import FALLBACK, INTERNAL_PATHS, Route

_HOST = "127.0.0.1"
_HEAD_BYTES = 65_536
_CHUNK_BYTES = 65_536
_LINGER_SECONDS = 2.0
_NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_BAD_GATEWAY = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_FORWARDED = (b"x-forwarded-for", b"x-forwarded-proto")


class FrontProxy:
    """Listens on a port in a thread of its own while the context lasts; `ports` are where the services listen."""

    def __init__(self, port: int, routes: Sequence[Route], ports: Mapping[str, int]) -> None:
        self._port = port
        self._routes = [(re.compile(route.pattern), ports[route.service]) for route in routes]
        self._fallback = ports[FALLBACK]
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._listening = threading.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=[self._serve()])

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._listening.wait(10):
            raise RuntimeError(f"the proxy does not listen on {self._port}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()
        self._loop.close()

    def port_of(self, path: str) -> int:
        """Where the owner of a path listens."""
        return next((port for pattern, port in self._routes if pattern.match(path)), self._fallback)

    async def _serve(self) -> None:
        connections: set[asyncio.Task[None]] = set()

        def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connection = asyncio.create_task(self._pass_on(reader, writer))
            connections.add(connection)
            connection.add_done_callback(connections.discard)

        server = await asyncio.start_server(begin, _HOST, self._port, limit=_HEAD_BYTES)
        self._listening.set()
        await self._stopping.wait()
        server.close()
        for connection in connections:
            connection.cancel()
        await asyncio.gather(*connections, return_exceptions=True)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer), suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            head = await reader.readuntil(b"\r\n\r\n")
            path = head.split(b" ", 2)[1].partition(b"?")[0].decode("latin-1")
            if path in INTERNAL_PATHS:
                writer.write(_NOT_FOUND)
                return
            try:
                upstream, to_upstream = await asyncio.open_connection(_HOST, self.port_of(path))
            except OSError:
                writer.write(_BAD_GATEWAY)
                return
            with closing(to_upstream):
                to_upstream.write(_forwarded(head, writer.get_extra_info("peername")[0]))
                await _both_ways(reader, writer, upstream, to_upstream)


async def _both_ways(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    upstream: asyncio.StreamReader,
    to_upstream: asyncio.StreamWriter,
) -> None:
    """Until the caller goes, or the service has answered; then the caller may still finish what it was sending."""
    sending = asyncio.create_task(_copy(reader, to_upstream))
    answering = asyncio.create_task(_copy(upstream, writer))
    try:
        await asyncio.wait({sending, answering}, return_when=asyncio.FIRST_COMPLETED)
        if answering.done():
            with suppress(OSError):
                writer.write_eof()
            await asyncio.wait({sending}, timeout=_LINGER_SECONDS)
    finally:
        sending.cancel()
        answering.cancel()
        await asyncio.gather(sending, answering, return_exceptions=True)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass bytes on to their end; where nobody takes them any more they are read all the same."""
    with suppress(ConnectionError):
        while chunk := await reader.read(_CHUNK_BYTES):
            with suppress(ConnectionError):
                writer.write(chunk)
                await writer.drain()


def _forwarded(head: bytes, client: str) -> bytes:
    """The head of a request with the caller's address, and no further request on this connection."""
    request_line, *lines = head.rstrip(b"\r\n").split(b"\r\n")
    is_upgrade = any(line.lower().startswith(b"upgrade:") for line in lines)
    dropped = _FORWARDED if is_upgrade else (*_FORWARDED, b"connection")
    kept = [line for line in lines if line.partition(b":")[0].strip().lower() not in dropped]
    added = [f"X-Forwarded-For: {client}".encode(), b"X-Forwarded-Proto: http"]
    added += [] if is_upgrade else [b"Connection: close"]
    return b"\r\n".join([request_line, *kept, *added, b"", b""])
