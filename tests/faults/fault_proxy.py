"""A TCP line between two parties that a test can cut or make slow; it may lead to any of several servers."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from itertools import count
from typing import Self

_HOST = "127.0.0.1"
_CHUNK_BYTES = 65_536


class FaultProxy:
    """Passes connections on to the servers in turn; one that does not listen is passed over.

    `delay_seconds` is added before every chunk, both ways.
    """

    def __init__(self, targets: Callable[[], Sequence[int]]) -> None:
        self._targets = targets
        self._turns = count()
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.delay_seconds = 0.0
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._begin, _HOST, self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        await self.cut()

    async def cut(self) -> None:
        """End every connection as a broken line does; new ones are passed on as before."""
        cut = list(self._connections)
        for connection in cut:
            connection.cancel()
        await asyncio.gather(*cut, return_exceptions=True)

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.create_task(self._pass_on(reader, writer))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            upstream = await self._connect()
            if upstream is None:
                return
            from_server, to_server = upstream
            with closing(to_server):
                ways = [
                    asyncio.create_task(self._copy(reader, to_server)),
                    asyncio.create_task(self._copy(from_server, writer)),
                ]
                try:
                    await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for way in ways:
                        way.cancel()
                    await asyncio.gather(*ways, return_exceptions=True)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        targets = self._targets()
        first = next(self._turns)
        for place in range(len(targets)):
            with suppress(OSError):
                return await asyncio.open_connection(_HOST, targets[(first + place) % len(targets)])
        return None

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while chunk := await reader.read(_CHUNK_BYTES):
                if self.delay_seconds:
                    await asyncio.sleep(self.delay_seconds)
                writer.write(chunk)
                await writer.drain()
