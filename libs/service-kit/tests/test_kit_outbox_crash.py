import asyncio
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from contracts.envelope import Event
from service_kit.docstore import CollectionSpec, Index
from service_kit.docstore.sqlite import SqliteDocStore
from service_kit.outbox import Outbox, Outboxed
from service_kit.testing.manual_clock import ManualClock

DYING_PUBLISHER = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from contracts.presence import AgentAvailabilityChanged
from service_kit.clock import SystemClock
from service_kit.crash_points import arm
from service_kit.docstore import CollectionSpec, Index
from service_kit.docstore.sqlite import SqliteDocStore
from service_kit.outbox import Outbox, Outboxed, with_events

class SpokenBus:
    async def publish(self, events):
        for event in events:
            print(event.id, flush=True)

async def main():
    store = SqliteDocStore(Path(sys.argv[1]))
    things = store.collection(CollectionSpec("things", Outboxed, indexes=(Index(("outbox_since",)),)))
    await store.start()
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    event = AgentAvailabilityChanged(id="a-1", account_id="acc_1", time=now, agent_id="a", online=True, cause="agent")
    await things.insert_many([with_events(Outboxed(id="a"), [event], now)])
    arm("things.published")
    await Outbox(things, SpokenBus(), SystemClock(), name="things").publish([await things.get("a")])
    print("survived", flush=True)

asyncio.run(main())
"""


class RecordingBus:
    """Takes events."""

    def __init__(self) -> None:
        self.stored: list[str] = []

    async def publish(self, events: Sequence[Event]) -> None:
        """Take them."""
        self.stored.extend(event.id for event in events)


async def test_a_kill_after_publishing_repeats_the_events_and_loses_none(tmp_path: Path):
    """Killed between publish and removal, the events are still stored and the next life publishes them again."""
    file = tmp_path / "dying.sqlite"
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", DYING_PUBLISHER, str(file), stdout=asyncio.subprocess.PIPE
    )
    said, _ = await child.communicate()
    store = SqliteDocStore(file)
    things = store.collection(CollectionSpec("things", Outboxed, indexes=(Index(("outbox_since",)),)))
    bus = RecordingBus()
    await store.start()
    relayed = await Outbox(things, bus, ManualClock(datetime(2026, 11, 21, 13, tzinfo=UTC))).relay()
    await store.stop()

    assert (child.returncode, said) == (-signal.SIGKILL, b"a-1\n")
    assert (relayed, bus.stored) == (1, ["a-1"])
