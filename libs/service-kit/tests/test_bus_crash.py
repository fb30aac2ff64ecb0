"""A consumer that is killed between its effect and the commit."""

import asyncio
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from service_kit.bus import Subscription
from service_kit.bus.valkey import ValkeyBus
from service_kit.engine_valkey import ValkeyServer
from service_kit.testing.bus_harness import QUICK, Recorder, new_topic, numbers, running, steps
from service_kit.testing.eventually import eventually

_DIES_BEFORE_THE_COMMIT = """
import asyncio, sys
from dataclasses import replace
from pathlib import Path
from service_kit.bus import Subscription
from service_kit.bus.valkey import ValkeyBus
from service_kit.crash_points import arm
from service_kit.testing.bus_harness import new_topic

async def main():
    url, name, handled = sys.argv[1:]
    async def note(events):
        with Path(handled).open("a") as file:
            file.writelines(f"{event.step}\\n" for event in events)
    topic = replace(new_topic(), name=name)
    bus = ValkeyBus(url, source="tickets", topics=[topic])
    bus.subscribe(Subscription(topic, "router", note, max_records=3))
    arm("bus.before_commit", after=2)
    await bus.start()
    await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.mark.faults
async def test_killed_before_the_commit(tmp_path: Path) -> None:
    """A batch that was handled but not committed when the process died is handled again; committed ones are not."""
    server = ValkeyServer(tmp_path)
    await server.start()
    topic = replace(new_topic(), name="walks-crash-v1")
    handled, recorder = tmp_path / "handled", Recorder()
    async with running(ValkeyBus(server.url, source="router", topics=[topic], registry=CollectorRegistry())) as bus:
        await bus.publish(steps(8))
    first = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _DIES_BEFORE_THE_COMMIT, server.url, topic.name, str(handled)
    )
    code = await first.wait()
    second = ValkeyBus(server.url, source="router", topics=[topic], patience=QUICK, registry=CollectorRegistry())
    second.subscribe(Subscription(topic, "router", recorder))
    async with running(second):
        await eventually(lambda: recorder.has_handled(5), seconds=20)
    await server.stop()

    assert code == -signal.SIGKILL
    assert handled.read_text().split() == ["0", "1", "2", "3", "4", "5"]
    assert numbers(recorder.handled) == [3, 4, 5, 6, 7]
