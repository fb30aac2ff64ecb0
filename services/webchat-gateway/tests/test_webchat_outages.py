"""What visitors notice while an engine is away: an unavailable message is never acknowledged, and never lost."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from contracts.inbound import InboundMessageReceived
from service_kit.engine_valkey import ValkeyServer
from service_kit.errors import Unavailable
from service_kit.fan_out import FanOut
from service_kit.outbox import Outbox
from service_kit.rate_limit import RateLimit
from service_kit.testing.eventually import eventually
from service_kit.testing.platforms import PlatformFactory
from webchat_gateway.sequencer import Sequencer
from webchat_gateway.store import ChatStore

Open = Callable[..., AbstractAsyncContextManager[Any]]


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ValkeyServer]:
    """A Valkey of this test's own, which it may stop."""
    server = ValkeyServer(tmp_path / "valkey")
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def redis(valkey_url: str) -> AsyncIterator[Redis]:
    """The Valkey of all tests, which stays."""
    async with Redis.from_url(valkey_url) as redis:
        yield redis


@pytest.fixture
async def elsewhere(server: ValkeyServer, tmp_path: Path) -> AsyncIterator[PlatformFactory]:
    """Makes platforms on the server that may be stopped."""
    factory = PlatformFactory(tmp_path, server.url)
    yield factory
    await factory.close()


async def test_a_message_the_bus_did_not_take_is_not_acknowledged_and_keeps_its_place(
    open_chat: Open, exchanged: Callable[..., Any], elsewhere: PlatformFactory, server: ValkeyServer, redis: Redis
) -> None:
    """While the bus is away messages are refused; sent again, each has its number, and nothing overtook it (I3-I5)."""
    async with open_chat(elsewhere, change=exchanged(redis=redis)) as chat, chat.visitor() as visitor:
        await visitor.hello()
        await visitor.say("c1", "before")
        await server.stop()
        await visitor.send("message", client_id="c2", text="during")
        await visitor.send("message", client_id="c3", text="still")
        while len(errors := [one["code"] for one in visitor.frames if one["type"] == "error"]) < 2:
            await visitor.next()
        acks_meanwhile = sum(one["type"] == "ack" for one in visitor.frames)
        await server.start()
        await visitor.send("message", client_id="c4", text="after")
        while visitor.frames[-1] != {"type": "ack", "client_id": "c4", "seq": 4}:
            await visitor.next()
        again = [await visitor.say("c2", "during"), await visitor.say("c3", "still")]
        events = await chat.said(InboundMessageReceived, 4)

    assert errors == ["unavailable", "unavailable"]
    assert acks_meanwhile == 1
    assert again == [2, 3]
    assert list(dict.fromkeys(event.text for event in events)) == ["before", "during", "still", "after"]


async def test_a_message_stored_and_never_sent_again_is_published_by_the_relay(
    open_chat: Open, exchanged: Callable[..., Any], elsewhere: PlatformFactory, server: ValkeyServer, redis: Redis
) -> None:
    """A visitor who was refused and left still reaches tickets: what is in the thread is on the bus (W1)."""
    async with open_chat(elsewhere, change=exchanged(redis=redis)) as chat:
        async with chat.visitor() as visitor:
            await visitor.hello()
            await server.stop()
            await visitor.send("message", client_id="c1", text="Hi")
            await visitor.expect("error")
        await server.start()
        chat.clock.advance(timedelta(seconds=3))
        events = await chat.said(InboundMessageReceived)

    assert {event.text for event in events} == {"Hi"}


async def test_without_redis_nothing_is_counted_so_nothing_is_taken(
    open_chat: Open, exchanged: Callable[..., Any], server: ValkeyServer
) -> None:
    """While limits cannot be kept a frame is refused and a newcomer gets 503; both go on afterwards (W7)."""
    async with (
        Redis.from_url(server.url, socket_timeout=5, socket_connect_timeout=5) as limits,
        open_chat(change=exchanged(redis=limits)) as chat,
        chat.visitor() as visitor,
    ):
        await visitor.hello()
        await server.stop()
        await visitor.send("message", client_id="c1", text="Hi")
        refused = await visitor.expect("error")
        await server.start()
        seq = await visitor.say("c1", "Hi")

    assert refused["code"] == "unavailable"
    assert seq == 1


async def test_nudges_survive_an_outage(server: ValkeyServer) -> None:
    """A nudge reaches other replicas again once Redis is back, and keeps nobody waiting while it is away."""
    async with (
        Redis.from_url(server.url, socket_timeout=5, socket_connect_timeout=5) as one,
        Redis.from_url(server.url, socket_timeout=5, socket_connect_timeout=5) as other,
    ):
        here, there = FanOut(one, "test"), FanOut(other, "test")
        await here.start()
        with here.listening("cnv_1") as news, here.listening("cnv_2") as not_ours:

            async def is_heard() -> bool:
                await there.nudge("cnv_1")
                return news.is_set()

            await eventually(is_heard)
            await server.stop()
            news.clear()
            async with asyncio.timeout(2):
                await here.nudge("cnv_1")
            woken_here = news.is_set()
            news.clear()
            await server.start()
            await eventually(is_heard, seconds=15)
            await server.stop()
            async with asyncio.timeout(1):
                await here.stop()

    assert woken_here
    assert not not_ours.is_set()


async def test_a_redis_that_hangs_keeps_nobody_waiting(server: ValkeyServer) -> None:
    """A Redis that takes connections and does not answer costs a nudge a second, and a count two."""
    async with Redis.from_url(server.url, socket_timeout=30) as redis:
        limit = RateLimit(redis, "test", most=1, seconds=10)
        counted = [await limit.allows("vis_1"), await limit.allows("vis_1")]
        os.kill(server.pid or 0, signal.SIGSTOP)
        try:
            async with asyncio.timeout(4):
                await FanOut(redis, "test").nudge("cnv_1")
                with pytest.raises(Unavailable):
                    await limit.allows("vis_1")
        finally:
            os.kill(server.pid or 0, signal.SIGCONT)

    assert counted == [True, False]


async def test_a_lost_nudge_costs_a_look(chat: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reply that was stored and nobody was nudged about appears all the same when the socket looks again."""
    monkeypatch.setattr("webchat_gateway.socket_session._LOOK_AGAIN_SECONDS", 0.3)
    store = ChatStore(chat.platform.store)
    said = Outbox(store.messages, chat.platform.bus, chat.clock)
    async with chat.visitor() as visitor:
        welcome = await visitor.hello()
        await visitor.say("c1", "Hi")
        conversation = await store.conversation(welcome["conversation_id"])
        await Sequencer(store, said, chat.clock).put(conversation, "msg_r1", "agent", "Hello!")
        async with asyncio.timeout(15):
            frame = await visitor.expect("message")

    assert frame["text"] == "Hello!"
