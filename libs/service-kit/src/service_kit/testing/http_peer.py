"""The other side of outgoing HTTP in tests: a server on loopback that answers what it is told."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable

Answer = Callable[[asyncio.StreamWriter, bytes], Awaitable[None]]
"""Writes the whole answer to one request, given the request's head."""


class HttpPeer:
    """An HTTP server of the test: answers what it is told to, and keeps what it was sent."""

    def __init__(self, answer: Answer, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[bytes] = []
        self.server_names: list[str] = []
        self.port = 0
        self._answer = answer
        self._tls = tls
        self._serving: list[asyncio.Task[None]] = []
        self._writers: list[asyncio.StreamWriter] = []
        if tls is not None:
            tls.sni_callback = lambda _socket, name, _context: self.server_names.append(name)

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator["HttpPeer"]:
        """Serve on a free loopback port."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self._tls)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            try:
                yield self
            finally:
                for writer in self._writers:
                    writer.transport.abort()
                await asyncio.gather(*self._serving)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        self._serving.append(asyncio.create_task(self._serve(reader, writer)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await reader.readuntil(b"\r\n\r\n")
            self.requests.append(request)
            await self._answer(writer, request)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


def replying(status: str = "200 OK", headers: str = "", body: bytes = b"hello") -> Answer:
    """A plain answer."""

    async def answer(writer: asyncio.StreamWriter, _request: bytes) -> None:
        writer.write(f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body)

    return answer
