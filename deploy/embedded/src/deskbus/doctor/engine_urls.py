"""Whether the URLs in the settings can be read by the engines that they name. Nothing is connected to."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from urllib.parse import urlsplit

from redis.asyncio.connection import parse_url

from deskbus.engines import UnsupportedEngineError
from service_kit.errors import DeskbusError

_BUS = frozenset({"redis", "rediss", "unix", "kafka"})
_REDIS = frozenset({"redis", "rediss", "unix"})


@dataclass(frozen=True, slots=True)
class EngineUrl:
    """What one of the URLs may be, and one that works."""

    takes: str
    example: str
    check: Callable[[str], Awaitable[None]]


class UnreadableUrlError(DeskbusError):
    """A URL that no engine of ours reads. The text leaves out what it holds: there may be a password in it."""


async def require_readable(field: str, url: str) -> None:
    """Pass if the URL in this setting can be read, or none is set.

    Raises:
        DeskbusError: it cannot.
    """
    if url:
        await ENGINE_URLS[field].check(url)


async def _bus(url: str) -> None:
    scheme = _scheme(url, _BUS)
    if scheme != "kafka":
        await _redis(url)
        return
    from service_kit.bus.kafka.address import KafkaAddress  # noqa: PLC0415 - only where Kafka is the bus

    try:
        KafkaAddress.parse(url)
    except ValueError as error:
        raise UnreadableUrlError(str(error)) from None


async def _redis(url: str) -> None:
    _scheme(url, _REDIS)
    try:
        parse_url(url)
    except ValueError:
        raise UnreadableUrlError("it is no address of a Redis") from None


async def _store(url: str) -> None:
    if _scheme(url, frozenset({"sqlite", "mongodb", "mongodb+srv"})) == "sqlite":
        if not url.startswith("sqlite:///"):
            raise UnreadableUrlError("sqlite has three slashes and a folder, four for an absolute one")
        return
    from service_kit.docstore.mongo_connection import open_client  # noqa: PLC0415 - only where MongoDB is the store

    await open_client(url, timeout_seconds=1).close()


async def _blobs(url: str) -> None:
    if _scheme(url, frozenset({"s3", "file"})) == "s3":
        from service_kit.blobs_s3 import S3Blobs  # noqa: PLC0415 - only where blobs are there

        S3Blobs(url)
    elif not url.startswith("file:///"):
        raise UnreadableUrlError("file has three slashes and an absolute folder")


async def _relay(url: str) -> None:
    _scheme(url, frozenset({"smtp", "smtps"}))
    _host(url)


async def _web(url: str) -> None:
    _scheme(url, frozenset({"http", "https"}))
    _host(url)


async def _proxies(text: str) -> None:
    for one in (part.strip() for part in text.split(",")):
        try:
            if one != "*":
                ip_network(one, strict=False)
        except ValueError:
            raise UnreadableUrlError(f"{one!r} is neither an address nor a network") from None


def _scheme(url: str, known: frozenset[str]) -> str:
    scheme = url.partition(":")[0]
    if scheme not in known:
        raise UnsupportedEngineError(f"it begins with none of {', '.join(f'{one}://' for one in sorted(known))}")
    return scheme


def _host(url: str) -> None:
    try:
        parts = urlsplit(url)
        if parts.hostname and parts.port != 0:
            return
    except ValueError:
        pass  # said below: the text of this error may quote the URL
    raise UnreadableUrlError("it names no host, or a port that there is not")


ENGINE_URLS: Mapping[str, EngineUrl] = {
    "bus_url": EngineUrl(
        "kafka://[user:password@]host:port[,host:port][?security=…&mechanism=…&ca=…], redis:// or rediss://",
        "kafka://desk:password@kafka:9094?security=SASL_SSL&mechanism=SCRAM-SHA-512&ca=/run/secrets/ca.pem",
        _bus,
    ),
    "store_url": EngineUrl(
        "mongodb://…, mongodb+srv://… or sqlite:///folder",
        "mongodb://desk:password@mongo-0,mongo-1/?replicaSet=rs0&tls=true",
        _store,
    ),
    "redis_url": EngineUrl("redis://… or, encrypted, rediss://…", "rediss://:password@redis:6380/0", _redis),
    "blobs_url": EngineUrl("s3://bucket[/prefix] or file:///folder", "s3://deskbus/raw?region=eu-west-1", _blobs),
    "smtp_relay_url": EngineUrl("smtp:// or smtps://", "smtp://user:password@relay:587", _relay),
    "public_url": EngineUrl("http:// or https://", "https://desk.example", _web),
    "otlp_endpoint": EngineUrl("http:// or https://", "http://collector:4318", _web),
    "trusted_proxies": EngineUrl("addresses and networks, separated by commas", "10.0.0.0/8", _proxies),
}
