"""The fixtures themselves: a small service on real engines, as the component tests of every service use them."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from fastapi import FastAPI

from contracts.envelope import Event
from contracts.presence import AgentAvailabilityChanged
from contracts.topics import PRESENCE_EVENTS
from service_kit.admission import StorageFull
from service_kit.bus import Subscription
from service_kit.docstore import Cmp, CollectionSpec, Fate, Index
from service_kit.outbox import Outbox, Outboxed, with_events
from service_kit.platform import Platform
from service_kit.service import Service
from service_kit.testing.eventually import eventually
from service_kit.testing.manual_clock import ManualClock
from service_kit.testing.open_admission import OpenAdmission
from service_kit.testing.platforms import PlatformFactory
from service_kit.timers import Due, Timed, Timers, with_due, without_due

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


class Agent(Outboxed, Timed):
    """A document with both an outbox and due times."""

    online: bool = True


AGENTS = CollectionSpec("agents", Agent, indexes=(Index(("outbox_since",)), Index(("due_at",))))


@dataclass
class Presence:
    """A service that lets agents go offline when their time has come, and hears of it from the bus."""

    service: Service
    platform: Platform
    heard: list[Event]

    async def sign_in(self, agent_id: str, until: datetime) -> None:
        """An agent who is online until then."""
        agent = with_due(Agent(id=agent_id), "expire", until)
        assert await self.platform.store.collection(AGENTS).insert_many([agent]) == [Fate.DONE]


def presence(platform: Platform, group: str = "reporting") -> Presence:
    """The service, composed as services are: declared first, started by the lifecycle."""
    agents, clock, heard = platform.store.collection(AGENTS), platform.clock, list[Event]()

    async def hear(events: Sequence[Event]) -> None:
        heard.extend(events)

    async def expire(agent: Agent, due: Due) -> None:
        gone = AgentAvailabilityChanged(
            id=f"{agent.id}-gone",
            account_id="acc_1",
            time=clock.now(),
            agent_id=agent.id,
            online=False,
            cause="lost_session",
        )
        changed = without_due(agent.model_copy(update={"online": False}), due.kind)
        await agents.replace_many([with_events(changed, [gone], clock.now())])

    platform.bus.subscribe(Subscription(PRESENCE_EVENTS, group=group, handle=hear))
    service = Service(
        name="router",
        api=FastAPI(),
        prefixes=("/v1/presence",),
        workers=[Timers(agents, clock, expire).worker(), Outbox(agents, platform.bus, clock).worker(platform.metrics)],
    )
    return Presence(service, platform, heard)


async def expired(presence: Presence, clock: ManualClock) -> None:
    """An agent signs in, the time comes, and the news has left."""

    async def has_left() -> bool:
        agent = await presence.platform.store.collection(AGENTS).get("agt_1")
        return agent is not None and not agent.online and not agent.outbox

    async def is_offline() -> bool:
        agent = await presence.platform.store.collection(AGENTS).get("agt_1")
        return agent is not None and not agent.online

    await presence.sign_in("agt_1", until=NOON + timedelta(minutes=2))
    clock.advance(timedelta(minutes=2))
    await eventually(is_offline)
    clock.advance(timedelta(seconds=3))
    await eventually(lambda: presence.heard)
    await eventually(has_left)


@pytest.mark.parametrize("round_number", [1, 2])
async def test_a_service_runs_on_real_engines(make_platform: PlatformFactory, round_number: int):
    """A timer fires, its event is stored, relayed and heard; a second round finds nothing of the first."""
    clock = ManualClock(NOON)
    one = presence(make_platform("router", clock))
    async with make_platform.running(one.service):
        await expired(one, clock)

    assert [event.id for event in one.heard] == ["agt_1-gone"]


async def test_a_restart_finds_what_was_stored(make_platform: PlatformFactory):
    """A second platform of the same name is the service's next life: same store, same group, nothing heard twice."""
    clock = ManualClock(NOON)
    lives = [presence(make_platform("router", clock)) for _ in range(2)]
    async with make_platform.running((lives[0].service, lives[0].platform)):
        await expired(lives[0], clock)
    async with make_platform.running((lives[1].service, lives[1].platform)):
        stored = await lives[1].platform.store.collection(AGENTS).get("agt_1")

    assert stored is not None
    assert not stored.online
    assert lives[1].heard == []


async def test_replicas_are_given_with_their_platforms(make_platform: PlatformFactory):
    """With two platforms of one name a service alone does not say which one it was composed with."""
    one, _ = (presence(make_platform("router")) for _ in range(2))

    with pytest.raises(ValueError, match="2 platforms"):
        make_platform.running(one.service)


async def test_http_goes_to_the_application(
    make_platform: PlatformFactory, running: Callable[..., AbstractAsyncContextManager[None]]
):
    """Requests reach the running service without a server or a port."""
    one = presence(make_platform("router"))

    @one.service.api.get("/v1/presence")
    async def count() -> int:
        return await one.platform.store.collection(AGENTS).count(Cmp("due_at", ">", NOON))

    transport = httpx.ASGITransport(app=one.service.api)
    async with running(one.service), httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        await one.sign_in("agt_1", until=datetime.max.replace(tzinfo=UTC))
        response = await http.get("/v1/presence")

    assert response.json() == 1


async def test_a_full_disk_can_be_played(make_platform: PlatformFactory):
    """Tests say when the disk is full; otherwise a test platform admits everything."""
    platform = make_platform("router")
    platform.admission.check()
    assert isinstance(platform.admission, OpenAdmission)
    platform.admission.is_full = True

    with pytest.raises(StorageFull):
        platform.admission.check()


async def test_eventually_tells_what_it_saw_last():
    """A condition that never holds ends with the last assertion or result, soon after the deadline."""

    def never() -> bool:
        assert sorted([2, 1]) == [2, 1]
        return True

    with pytest.raises(AssertionError, match=r"not within 0.05 s.*\[1, 2\]"):
        await eventually(never, seconds=0.05)
    with pytest.raises(AssertionError, match="last: 0"):
        await eventually(lambda: 0, seconds=0)


def test_a_manual_clock_moves_only_by_hand():
    """It stands still, advances, jumps, and refuses naive moments."""
    clock = ManualClock(NOON)
    clock.advance(timedelta(hours=1))
    advanced = clock.now()
    clock.move_to(NOON)

    assert (advanced, clock.now()) == (NOON + timedelta(hours=1), NOON)
    with pytest.raises(ValueError, match="aware"):
        ManualClock(NOON.replace(tzinfo=None))
