"""Connections to Kafka: what their failures mean, and waiting for a cluster that is away."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import structlog
from aiokafka import errors
from aiokafka.conn import create_conn
from aiokafka.protocol.metadata import MetadataRequest

from service_kit.bus.kafka.address import KafkaAddress
from service_kit.bus.port import BusUnavailable
from service_kit.errors import Refused

FAILURES = (errors.KafkaError, OSError)
"""Everything a request may raise; timeouts are `OSError`s."""

_REFUSALS = (
    errors.AuthenticationFailedError,
    errors.AuthenticationMethodNotSupported,
    errors.SaslAuthenticationFailed,
    errors.UnsupportedSaslMechanismError,
    errors.IllegalSaslStateError,
    ssl.SSLCertVerificationError,
)
"""Answers that no waiting changes."""

_POLL_SECONDS = 0.2
_TOLD_SECONDS = 5.0

log = structlog.get_logger(__name__)


@contextmanager
def unavailable(doing: str) -> Iterator[None]:
    """Say a failed request in the port's words."""
    try:
        yield
    except FAILURES as error:
        raise BusUnavailable(f"Kafka failed at {doing}: {type(error).__name__}: {error}") from error


async def until_available(attempt: Callable[[], Awaitable[None]], *, timeout_seconds: float) -> None:
    """Try again and again while the cluster is away, starting, or too busy; one line of log every few seconds.

    Raises:
        BusUnavailable: no attempt succeeded in time.
        Refused: a server answers and refuses us; waiting would change nothing.
    """
    loop = asyncio.get_running_loop()
    last: BusUnavailable | None = None
    told_at = -_TOLD_SECONDS
    try:
        async with asyncio.timeout(timeout_seconds):
            while True:
                try:
                    return await attempt()
                except BusUnavailable as error:
                    last = error
                if loop.time() - told_at >= _TOLD_SECONDS:
                    told_at = loop.time()
                    log.warning("waiting_for_engine", engine="kafka", reason=str(last))
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError:
        raise BusUnavailable(f"Kafka did not answer within {timeout_seconds:g} s: {last}") from last


async def knock(address: KafkaAddress, *, timeout_seconds: float) -> None:
    """Ask the servers, one after the other, to let us in; returns when one has and knows its cluster.

    aiokafka's own clients hide wrong credentials behind "unable to bootstrap".

    Raises:
        BusUnavailable: none does now.
        Refused: one answers and refuses us.
    """
    last: BusUnavailable | None = None
    for server in address.servers:
        try:
            with unavailable(f"connecting to {server}"):
                return await _knock_at(server, address, timeout_seconds)
        except BusUnavailable as error:
            last = error
    raise last or BusUnavailable("Kafka's URL names no servers")


async def _knock_at(server: str, address: KafkaAddress, timeout_seconds: float) -> None:
    host, _, port = server.rpartition(":")
    options = address.client_options()
    del options["bootstrap_servers"]
    try:
        connection = await create_conn(
            host.strip("[]"), int(port), request_timeout_ms=int(timeout_seconds * 1000), **options
        )
    except _REFUSALS as error:
        raise Refused(
            f"Kafka refuses us ({type(error).__name__}): check user, password, mechanism and certificates"
        ) from error
    try:
        answer = await connection.send(MetadataRequest([]))
    finally:
        connection.close()
    if not answer.brokers:
        raise errors.KafkaConnectionError("it knows no brokers yet")
