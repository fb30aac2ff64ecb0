"""A Kafka that asks for user and password, with and without TLS."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from prometheus_client import CollectorRegistry

import engines.kafka
from contracts.envelope import Event
from engines.cache import Cache
from engines.kafka.cluster import VERSION
from engines.kafka.node import KafkaNode, Seat
from engines.maven import find_java, jars
from engines.ports import free_ports
from engines.settings import EngineSettings
from service_kit.bus import Subscription
from service_kit.bus.kafka import KafkaBus
from service_kit.errors import Refused
from service_kit.testing.bus_harness import QUICK, Recorder, new_topic, publish_stubbornly, running, step
from service_kit.testing.certificate import write_certificate
from service_kit.testing.eventually import eventually

pytestmark = [pytest.mark.engines, pytest.mark.timeout(180), pytest.mark.asyncio(loop_scope="module")]

_SCRAM_LISTENERS = """
listeners=PLAINTEXT://127.0.0.1:{seat.port},SASL_PLAINTEXT://127.0.0.1:{port},SASL_SSL://127.0.0.1:{tls_port},\\
  CONTROLLER://127.0.0.1:{seat.controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{seat.port},SASL_PLAINTEXT://127.0.0.1:{port},SASL_SSL://127.0.0.1:{tls_port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config=\\
  org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=\\
  org.apache.kafka.common.security.scram.ScramLoginModule required;
ssl.keystore.type=PEM
ssl.keystore.location={keystore}
"""


@dataclass(frozen=True, slots=True)
class Guarded:
    """A node with one user, "tickets", whose password is "right"; its certificate is signed by itself."""

    place: str
    tls_place: str
    certificate: Path


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def guarded(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Guarded]:
    """A node that lets nobody in without a password, by two doors."""
    outside = tmp_path_factory.mktemp("guarded")
    certificate = write_certificate(outside, until=datetime.now(UTC) + timedelta(hours=1))
    code = jars(Cache(EngineSettings().engines_cache), f"Apache Kafka {VERSION}", Path(engines.kafka.__file__).parent)
    port, tls_port, *places = free_ports(4)
    seat = Seat(0, *places)
    node = KafkaNode(find_java(), code, seat, [seat], outside / "node")
    with (outside / "node" / "server.properties").open("a") as settings:
        settings.write(_SCRAM_LISTENERS.format(seat=seat, port=port, tls_port=tls_port, keystore=certificate.with_key))
    node._format += ["--add-scram", "SCRAM-SHA-512=[name=tickets,password=right]"]
    await asyncio.to_thread(node.format)
    await asyncio.to_thread(node.start)
    yield Guarded(f"127.0.0.1:{port}", f"127.0.0.1:{tls_port}", certificate.public)
    await asyncio.to_thread(node.kill)


def make_bus(place: str, password: str, options: str = "security=SASL_PLAINTEXT") -> KafkaBus:
    """A bus with a user."""
    return KafkaBus(
        f"kafka://tickets:{password}@{place}?{options}",
        source="tickets",
        topics=[new_topic()],
        patience=QUICK,
        registry=CollectorRegistry(),
    )


async def handled_on(bus: KafkaBus) -> list[Event]:
    """Make the bus's topic, write one record and read it."""
    recorder = Recorder()
    [topic] = bus._declared.topics.values()
    bus.subscribe(Subscription(topic, "router", recorder))
    async with running(bus):
        await publish_stubbornly(bus, [step(0)])
        await eventually(lambda: recorder.handled, seconds=30)
    return recorder.handled


async def test_right_password(guarded: Guarded):
    """With user and password a bus is made, written and read."""

    assert (await handled_on(make_bus(guarded.place, "right")))[0] == step(0)


async def test_right_password_over_tls(guarded: Guarded):
    """The same, encrypted, with the certificate that the URL trusts (S2)."""
    bus = make_bus(guarded.tls_place, "right", f"security=SASL_SSL&mechanism=SCRAM-SHA-512&ca={guarded.certificate}")

    assert (await handled_on(bus))[0] == step(0)


@pytest.mark.parametrize("encrypted", [False, True])
async def test_wrong_password(guarded: Guarded, *, encrypted: bool):
    """A wrong password is said at once and in one sentence, without the password; waiting would not help."""
    bus = make_bus(guarded.place, "wrong")
    if encrypted:
        bus = make_bus(guarded.tls_place, "wrong", f"ca={guarded.certificate}")

    with pytest.raises(Refused, match="check user, password") as refused:
        await bus.provision()
    with pytest.raises(Refused, match="check user, password"):
        await bus.start()
    assert "wrong" not in str(refused.value)


async def test_a_certificate_that_nobody_vouches_for(guarded: Guarded):
    """Without the authority that signed it the node is not talked to: it never sees the password (S2)."""
    with pytest.raises(Refused, match="certificates"):
        await make_bus(guarded.tls_place, "right", "security=SASL_SSL").provision()
