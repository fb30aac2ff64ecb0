import asyncio
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from prometheus_client import CollectorRegistry
from redis.asyncio.connection import parse_url

from contracts.topic import Topic
from service_kit.bus import BusUnavailable, Subscription
from service_kit.bus.valkey import ValkeyBus
from service_kit.testing.bus_harness import Recorder, new_topic, running, step
from service_kit.testing.certificate import Certificate, write_certificate
from service_kit.testing.eventually import eventually


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    """Of this address, good for an hour."""
    return write_certificate(tmp_path, until=datetime.now(UTC) + timedelta(hours=1))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except OSError:
        return
    finally:
        writer.close()


@pytest_asyncio.fixture
async def encrypted_url(valkey_url: str, certificate: Certificate) -> AsyncIterator[str]:
    """The real Valkey behind a door that speaks TLS only: the one in the wheel is built without."""
    plain = parse_url(valkey_url)
    connections: set[asyncio.Task[None]] = set()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_unix_connection(plain["path"])
        ways = [_copy(reader, inner_writer), _copy(inner_reader, writer)]
        connections.update(map(asyncio.create_task, ways))

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.with_key)
    server = await asyncio.start_server(pass_on, "127.0.0.1", 0, ssl=context)
    yield f"rediss://:{plain.get('password', '')}@127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()
    await asyncio.gather(*connections)


def make_bus(url: str, topic: Topic) -> ValkeyBus:
    """A bus that does not wait for long."""
    return ValkeyBus(url, source="tickets", topics=[topic], registry=CollectorRegistry(), ready_timeout_seconds=1)


async def test_written_and_read_over_tls(encrypted_url: str, certificate: Certificate):
    """With `rediss://` everything that a bus does is encrypted, by writer and reader alike (S2)."""
    topic, recorder = new_topic(), Recorder()
    bus = make_bus(f"{encrypted_url}?ssl_ca_certs={certificate.public}", topic)
    bus.subscribe(Subscription(topic, "router", recorder))

    async with running(bus):
        await bus.publish([step(0)])
        await eventually(lambda: recorder.has_handled(1), seconds=10)

    assert recorder.handled == [step(0)]


async def test_a_certificate_that_nobody_vouches_for(encrypted_url: str):
    """Without the authority that signed it the server is not talked to (S2)."""
    bus = make_bus(encrypted_url, new_topic())

    with pytest.raises(BusUnavailable):
        await bus.provision()
    await bus.stop()
