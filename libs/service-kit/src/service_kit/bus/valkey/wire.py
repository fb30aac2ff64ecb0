"""One connection to Valkey on which commands travel together.

redis-py's client takes a connection from its pool for every command, wraps it in retries and sends it from a task of
its own, which costs several times what the command does. Its connection, used directly, does without.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from redis.exceptions import ResponseError

from service_kit.bus.valkey.connection import open_connection

Command = tuple[Any, ...]


class Wire:
    """Sends commands and reads their answers: for one caller at a time."""

    def __init__(self, url: str, *, timeout_seconds: float) -> None:
        self._connection = open_connection(url, timeout_seconds=timeout_seconds)
        self._timeout_seconds = timeout_seconds

    async def ask(self, commands: Sequence[Command], *, wait_seconds: float = 0.0) -> list[Any]:
        """The answer to each command, in their order; refusals are among them as `ResponseError`.

        `wait_seconds` is how long the server may be told to wait before it answers.

        Raises:
            RedisError, OSError: not all were answered in time; any first part may have been carried out.
        """
        try:
            async with asyncio.timeout(self._timeout_seconds + wait_seconds):
                await self._connect()
                await self._connection.send_packed_command(self._connection.pack_commands(commands))
                return [await self._answer() for _ in commands]
        except BaseException:
            await self.close()  # what is still to come on this connection answers nobody
            raise

    async def close(self) -> None:
        """Disconnect; the next call connects anew."""
        await self._connection.disconnect(nowait=True)

    async def _connect(self) -> None:
        """Connect, also when the server has closed the connection since the last call."""
        if self._connection.is_connected:
            if not await self._connection.can_read():
                return
            await self.close()
        await self._connection.connect()

    async def _answer(self) -> Any:
        try:
            return await self._connection.read_response()
        except ResponseError as error:
            return error
