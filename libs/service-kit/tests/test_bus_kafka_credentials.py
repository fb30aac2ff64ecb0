"""A Kafka that asks for user and password."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from prometheus_client import CollectorRegistry

import engines.kafka
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
from service_kit.testing.eventually import eventually

pytestmark = [pytest.mark.engines, pytest.mark.timeout(180), pytest.mark.asyncio(loop_scope="module")]

_SCRAM_LISTENER = """
listeners=PLAINTEXT://127.0.0.1:{seat.port},SASL_PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{seat.controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{seat.port},SASL_PLAINTEXT://127.0.0.1:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config=\\
  org.apache.kafka.common.security.scram.ScramLoginModule required;
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def guarded(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """The address of a node with one user: "tickets", whose password is "right"."""
    folder = tmp_path_factory.mktemp("guarded") / "node"
    code = jars(Cache(EngineSettings().engines_cache), f"Apache Kafka {VERSION}", Path(engines.kafka.__file__).parent)
    port, *places = free_ports(3)
    seat = Seat(0, *places)
    node = KafkaNode(find_java(), code, seat, [seat], folder)
    with (folder / "server.properties").open("a") as settings:
        settings.write(_SCRAM_LISTENER.format(seat=seat, port=port))
    node._format += ["--add-scram", "SCRAM-SHA-512=[name=tickets,password=right]"]
    await asyncio.to_thread(node.format)
    await asyncio.to_thread(node.start)
    yield f"127.0.0.1:{port}"
    await asyncio.to_thread(node.kill)


def make_bus(place: str, password: str) -> KafkaBus:
    """A bus with a user."""
    return KafkaBus(
        f"kafka://tickets:{password}@{place}?security=SASL_PLAINTEXT",
        source="tickets",
        topics=[new_topic()],
        patience=QUICK,
        registry=CollectorRegistry(),
    )


async def test_right_password(guarded: str):
    """With user and password a bus is made, written and read."""
    bus, recorder = make_bus(guarded, "right"), Recorder()
    [topic] = bus._declared.topics.values()
    bus.subscribe(Subscription(topic, "router", recorder))

    async with running(bus):
        await publish_stubbornly(bus, [step(0)])
        await eventually(lambda: recorder.handled, seconds=30)

    assert recorder.handled[0] == step(0)


async def test_wrong_password(guarded: str):
    """A wrong password is said at once and in one sentence, without the password; waiting would not help."""
    bus = make_bus(guarded, "wrong")

    with pytest.raises(Refused, match="check user, password") as refused:
        await bus.provision()
    with pytest.raises(Refused, match="check user, password"):
        await bus.start()
    assert "wrong" not in str(refused.value)
