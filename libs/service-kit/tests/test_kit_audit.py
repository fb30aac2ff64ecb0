import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends
from pydantic import BaseModel

from contracts.audit import AuditRecorded
from contracts.envelope import Event
from service_kit.audit import AUDIT_INTENTS, UNCERTAIN_AFTER, AuditTrail
from service_kit.auth import Permission, Principal, requires
from service_kit.bus import BusUnavailable
from service_kit.http import Problem, create_api
from service_kit.http.audited import Act, audited, field_names
from service_kit.http.idempotency_records import IDEMPOTENCY_KEYS
from service_kit.http.routes import Routes
from service_kit.platform import Platform
from service_kit.testing.callers import http_client, sign_in
from service_kit.testing.manual_clock import ManualClock
from service_kit.testing.platforms import PlatformFactory

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@dataclass
class RecordingBus:
    """The side of a bus that publishes; it can be down."""

    told: list[AuditRecorded] = field(default_factory=list)
    is_down: bool = False

    async def publish(self, events: Sequence[Event]) -> None:
        """Take events, unless down."""
        if self.is_down:
            raise BusUnavailable("down")
        self.told.extend(event for event in events if isinstance(event, AuditRecorded))

    async def ping(self) -> None:
        """Always there."""


class Thing(BaseModel):
    """What the route takes."""

    ending: str = "well"
    inner: dict[str, Any] = {}


def things(bus: RecordingBus) -> Routes:
    """Routes that end in every way a route can end; they note how many entries were told before they acted."""
    router = Routes("/things")

    @router.post("/{thing_id}")
    async def act_on(
        _: Annotated[Principal, Depends(requires(Permission.TEAMS_MANAGE))],
        thing_id: str,
        thing: Thing,
        act: Annotated[Act, audited("team.changed")],
    ) -> int:
        act.details["length"] = "x" * 1000
        if thing.ending == "refused":
            raise Problem(409, "refused", "No.")
        if thing.ending == "transient":
            raise BusUnavailable("in the middle")
        if thing.ending == "broken":
            raise RuntimeError(thing_id)
        return len(bus.told)

    return router


@pytest.fixture
def bus() -> RecordingBus:
    """What was told."""
    return RecordingBus()


@pytest.fixture
def clock() -> ManualClock:
    """Noon."""
    return ManualClock(NOON)


@pytest.fixture
async def platform(make_platform: PlatformFactory, bus: RecordingBus, clock: ManualClock) -> AsyncIterator[Platform]:
    """A real store beside the recording bus."""
    made = make_platform("router", clock=clock)
    made.store.collection(AUDIT_INTENTS)
    made.store.collection(IDEMPOTENCY_KEYS)
    await made.store.start()
    yield replace(made, bus=bus)  # type: ignore[arg-type]
    await made.store.stop()


@pytest.fixture
async def http(platform: Platform, bus: RecordingBus) -> AsyncIterator[httpx.AsyncClient]:
    """A manager's client of the routes."""
    api = create_api(platform, service="router", title="Tests", routers=[things(bus)])
    async with http_client(api, headers=await sign_in(platform, role="manager")) as client:
        yield client


async def test_an_action_is_told_before_its_answer(http: httpx.AsyncClient, bus: RecordingBus, platform: Platform):
    """The entry names who did what to what, and leaves nothing behind to be told again (S3)."""
    answer = await http.post("/things/one", json={"inner": {"a": 1, "b": {"c": {"d": 2}}}})
    again = await AuditTrail(platform, "router").relay()

    assert (answer.status_code, answer.json(), again) == (200, 0, 0)
    (entry,) = bus.told
    assert (entry.action, entry.outcome, entry.target_id, entry.service) == ("team.changed", "done", "one", "router")
    assert entry.fields == ("inner.a", "inner.b.c")
    assert entry.details == {"length": "x" * 500}
    assert entry.request_id == answer.headers["x-request-id"]


@pytest.mark.parametrize("body", [{"ending": "refused"}, {"ending": 3}], ids=["by a rule", "by validation"])
async def test_what_was_refused_is_forgotten(
    http: httpx.AsyncClient, bus: RecordingBus, platform: Platform, clock: ManualClock, body: dict[str, Any]
):
    """Neither now nor later does the log say that it was done (S3)."""
    answer = await http.post("/things/one", json=body)
    clock.advance(UNCERTAIN_AFTER)

    assert answer.status_code in {409, 422}
    assert (await AuditTrail(platform, "router").relay(), bus.told) == (0, [])


async def test_who_may_not_leaves_no_trace(
    http: httpx.AsyncClient, platform: Platform, bus: RecordingBus, clock: ManualClock
):
    """The permission is asked for first: nobody without it makes us write anything (S1)."""
    headers = await sign_in(platform, role="support")
    answer = await http.post("/things/one", json={"ending": "broken"}, headers=headers)
    clock.advance(UNCERTAIN_AFTER)

    assert answer.status_code == 403
    assert (await AuditTrail(platform, "router").relay(), bus.told) == (0, [])


@pytest.mark.parametrize("ending", ["transient", "broken"])
async def test_what_broke_in_the_middle_is_uncertain(
    http: httpx.AsyncClient, bus: RecordingBus, platform: Platform, clock: ManualClock, ending: str
):
    """A failure may have come after the effect, so the log says that it cannot tell (S3)."""
    answer = await http.post("/things/one", json={"ending": ending})
    trail = AuditTrail(platform, "router")
    at_once = await trail.relay()
    clock.advance(UNCERTAIN_AFTER)
    relayed = await trail.relay()

    assert answer.status_code in {500, 503}
    assert (at_once, relayed, await trail.relay()) == (0, 1, 0)
    assert [(entry.outcome, entry.target_id, entry.time) for entry in bus.told] == [("uncertain", "one", NOON)]


async def test_what_the_bus_does_not_take_is_told_later(http: httpx.AsyncClient, bus: RecordingBus, platform: Platform):
    """The action is done and answered as such; the relay tells it as done when the bus is back (S3)."""
    bus.is_down = True
    answer = await http.post("/things/one", json={})
    bus.is_down = False
    relayed = await AuditTrail(platform, "router").relay()

    assert (answer.status_code, relayed) == (200, 1)
    assert [(entry.outcome, entry.details["length"]) for entry in bus.told] == [("done", "x" * 500)]


async def test_the_relay_keeps_what_it_cannot_tell(
    http: httpx.AsyncClient, bus: RecordingBus, platform: Platform, clock: ManualClock
):
    """An outage that outlasts a round of the relay loses nothing (S3)."""
    bus.is_down = True
    await http.post("/things/one", json={})
    trail = AuditTrail(platform, "router")
    with pytest.raises(BusUnavailable):
        await trail.relay()
    bus.is_down = False
    clock.advance(timedelta(hours=1))

    assert (await trail.relay(), len(bus.told)) == (1, 1)


DYING_ACTION = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from contracts.audit import AuditRecorded
from contracts.people import Actor
from service_kit.audit import AuditTrail
from service_kit.crash_points import arm
from service_kit.docstore.sqlite import SqliteDocStore
from service_kit.testing.manual_clock import ManualClock

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)

class SpokenBus:
    async def publish(self, events):
        for event in events:
            print(event.outcome, flush=True)

async def main():
    store = SqliteDocStore(Path(sys.argv[1]))
    trail = AuditTrail(SimpleNamespace(store=store, bus=SpokenBus(), clock=ManualClock(NOON)), "router")
    await store.start()
    event = AuditRecorded(id="aud_1", account_id="acc_1", time=NOON, action="team.created",
                          actor=Actor(kind="agent", id="agt_1"), service="router")
    arm(sys.argv[2])
    intent = await trail.begin(event)
    await trail.done(intent, event)

asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("point", "said"),
    [("audit.begun", b""), ("audit.acted", b""), ("audit.told", b"done\n")],
    ids=["before the effect", "after it", "after it was told"],
)
async def test_a_kill_anywhere_leaves_an_entry(
    make_platform: PlatformFactory, bus: RecordingBus, tmp_path: Path, point: str, said: bytes
):
    """Killed before, after or while telling: the next life tells the same entry, as uncertain where it is (S3)."""
    file = tmp_path / "router.sqlite"
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", DYING_ACTION, str(file), point, stdout=asyncio.subprocess.PIPE
    )
    spoken, _ = await child.communicate()
    platform = make_platform("router", clock=ManualClock(NOON + UNCERTAIN_AFTER))
    trail = AuditTrail(replace(platform, bus=bus), "router")  # type: ignore[arg-type]
    await platform.store.start()
    relayed = await trail.relay()
    await platform.store.stop()

    assert (child.returncode, spoken, relayed) == (-signal.SIGKILL, said, 1)
    assert [(entry.id, entry.outcome) for entry in bus.told] == [("aud_1", "uncertain")]


def test_names_of_fields_are_bounded():
    """A body of many or long names makes neither a large entry nor a deep one."""
    names = field_names({f"{number}{'n' * 500}": number for number in range(1000)})

    assert len(names) == 51
    assert names[-1] == "…"
    assert max(map(len, names)) == 200
    assert field_names({"a": {"b": {"c": {"d": 1}}}, "e": {}, "f": [{"g": 1}]}) == ("a.b.c", "e", "f")
    assert field_names(["a", {"b": 1}]) == ()
