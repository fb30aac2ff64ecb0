"""FastStream's broker, each group reading its stream on a connection of its own.

FastStream reads through redis-py's client, whose pool, retries and recorders cost more than the read. It builds that
client in one place, which brokers may override; ours differs from it in the one command that reads.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Literal

from faststream.redis import RedisBroker, StreamSub
from faststream.redis.configs.state import ConnectionState, RedisConnectionState

from service_kit.bus.valkey.connection import open_client, pinned
from service_kit.bus.valkey.wire import Wire

Entry = tuple[bytes, dict[bytes, bytes]]


class UncopiedStream(StreamSub[Literal[True]]):
    """A stream to be read in batches. FastStream asks for it several times a batch, each time for a deep copy."""

    __slots__ = ()

    def add_prefix(self, prefix: str) -> "UncopiedStream":
        """Itself, as no name of ours has a prefix.

        Raises:
            ValueError: one is asked for.
        """
        if prefix:
            raise ValueError(f"streams are read under their own names, not with the prefix {prefix!r}")
        return self


class StreamBroker(RedisBroker):
    """Counts the reads that failed: the server may have delivered to one of them what nobody received."""

    def __init__(self, url: str, *, timeout_seconds: float, **options: Any) -> None:
        self._url = url
        self._timeout_seconds = timeout_seconds
        self.failed_reads = 0
        super().__init__(pinned(url), **options)

    def _make_connection_state(
        self,
        connection_options: dict[str, Any],  # noqa: ARG002 - FastStream's; the URL says all
        kwargs: dict[str, Any],  # noqa: ARG002 - FastStream's
    ) -> ConnectionState[Any]:
        return _StreamConnections(self._open)

    def _open(self) -> "_StreamClient":
        return _StreamClient(self._url, self._timeout_seconds, self._count_failed_read)

    def _count_failed_read(self) -> None:
        self.failed_reads += 1


class _StreamConnections(RedisConnectionState):
    """What FastStream connects and disconnects."""

    def __init__(self, open_client: Callable[[], Any]) -> None:
        super().__init__()
        self._open = open_client

    async def connect(self) -> Any:
        """The client that subscribers use."""
        self._client = self._open()
        self._connected = True
        return self._client


class _StreamClient:
    """The part of redis-py's client that FastStream's subscribers of streams use."""

    def __init__(self, url: str, timeout_seconds: float, tell_failure: Callable[[], None]) -> None:
        self._client = open_client(url, timeout_seconds=timeout_seconds)
        self._open_wire = partial(Wire, url, timeout_seconds=timeout_seconds)
        self._tell_failure = tell_failure
        self._wires: dict[tuple[str, str], Wire] = {}

    async def ping(self) -> Any:
        """Ask whether the server is there."""
        return await self._client.ping()

    async def xgroup_create(self, name: str, groupname: str, **options: Any) -> Any:
        """Create a group."""
        return await self._client.xgroup_create(name, groupname, **options)

    async def xreadgroup(
        self,
        groupname: str,
        consumername: str,
        streams: Mapping[str, str],
        count: int,
        block: int,
        noack: bool,  # noqa: ARG002, FBT001 - FastStream's; whatever is delivered is pending until it is acknowledged
    ) -> Sequence[tuple[bytes, Sequence[Entry]]]:
        """What the group has not seen yet, of the one stream that is asked for."""
        ((name, after),) = streams.items()
        reader = name, groupname
        wire = self._wires.get(reader) or self._wires.setdefault(reader, self._open_wire())
        group = ("XREADGROUP", "GROUP", groupname, consumername)
        try:
            [answer] = await wire.ask(
                [(*group, "COUNT", count, "BLOCK", block, "STREAMS", name, after)], wait_seconds=block / 1000
            )
        except BaseException:
            self._tell_failure()
            raise
        if isinstance(answer, Exception):
            raise answer
        return [(stream, [_entry(*raw) for raw in raws]) for stream, raws in answer or ()]

    async def aclose(self) -> None:
        """Disconnect."""
        for wire in self._wires.values():
            await wire.close()
        await self._client.aclose()


def _entry(entry_id: bytes, fields: Sequence[bytes]) -> Entry:
    """Fields come as names and values in turn."""
    return entry_id, dict(zip(fields[::2], fields[1::2], strict=True))
