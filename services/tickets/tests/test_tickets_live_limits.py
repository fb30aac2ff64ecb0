"""Open streams and their bounds: how many, how slow a reader may be, how long a session counts, how they stop."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from service_kit.auth import Principal
from service_kit.auth.credentials import Credentials, CredentialsUnavailable, hash_token
from service_kit.clock import Clock
from service_kit.errors import ReaderGone
from service_kit.fan_out import FanOut
from service_kit.platform import Platform
from service_kit.problem import Problem
from service_kit.testing.event_stream import following
from service_kit.testing.eventually import eventually
from service_kit.testing.manual_clock import ManualClock
from tickets.live.live_response import LiveResponse, Pace
from tickets.live.live_streams import Follower, LiveStreams

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
FAST = Pace(look=0.05, heartbeat=0.1, slow=0.2)


class _Counting:
    """A source that counts for as long as `left` allows."""

    keys = ("count",)
    rest_seconds = 0.0

    def __init__(self, left: int) -> None:
        self._left = left
        self._said = 0

    async def look(self) -> Sequence[bytes]:
        """The next number."""
        if self._said >= self._left:
            return ()
        self._said += 1
        return [f"event: count\ndata: {self._said}\nid: {self._said}\n\n".encode()]


class _Unable:
    """Credentials that nobody can ask."""

    async def find_many(self, _tokens: Any) -> Any:
        """Nobody knows."""
        raise CredentialsUnavailable("away")


@pytest.fixture
async def credentials(make_platform: Callable[..., Platform]) -> Credentials:
    """The session of Ann, by the token `ann`."""
    platform = make_platform("tickets")
    credentials = Credentials(platform.redis, ManualClock(NOON))
    await credentials.put(hash_token("ann"), _ann().principal, expires_at=None)
    return credentials


@pytest.fixture
async def fan_out(make_platform: Callable[..., Platform]) -> FanOut:
    """Nudges that nobody gives."""
    return FanOut(make_platform("router").redis, "test")


def _ann() -> Follower:
    return Follower(Principal("acc_1", "agent", "agt_1", "support", frozenset({"*"}), "ses_1"), "ann")


def _application(streams: LiveStreams, source: Any, pace: Pace = FAST) -> Any:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await LiveResponse(streams, _ann(), source, pace)(scope, receive, send)

    return application


def _streams(credentials: Any, fan_out: FanOut, clock: Clock | None = None, **most: int) -> LiveStreams:
    return LiveStreams(credentials, fan_out, clock or ManualClock(NOON), **most)


async def test_streams_are_bounded(credentials: Credentials, fan_out: FanOut) -> None:
    """Neither one agent nor one process holds more streams than it may; a closed one makes room."""
    streams = _streams(credentials, fan_out, most_of_one=2, most=3)
    ben = Follower(Principal("acc_1", "agent", "agt_2", "support", frozenset({"*"}), "ses_2"), "ben")
    with streams.admitted(_ann()), streams.admitted(ben):
        with streams.admitted(_ann()):
            with pytest.raises(Problem) as mine, streams.admitted(_ann()):
                pass
            with pytest.raises(Problem) as all_together, streams.admitted(ben):
                pass
        with streams.admitted(_ann()):
            again = len(streams.open)

    assert (mine.value.status, mine.value.code) == (429, "too_many_streams")
    assert (all_together.value.status, all_together.value.code) == (503, "streams_full")
    assert (again, len(streams.open)) == (3, 0)


async def test_an_open_stream_counts_as_use(credentials: Credentials, fan_out: FanOut) -> None:
    """A3: an agent who only watches has not lost the session."""
    clock = ManualClock(NOON)
    streams = _streams(credentials, fan_out, clock)
    with streams.admitted(_ann()):
        unseen = await credentials.last_seen("acc_1", "agt_1")
        await streams.check()
        seen = await credentials.last_seen("acc_1", "agt_1")

    assert (unseen, seen) == (None, NOON)


async def test_a_stream_ends_with_its_session_or_its_permission(credentials: Credentials, fan_out: FanOut) -> None:
    """A session that is gone, and one whose role or scope may read no more, end their streams; others go on."""
    streams = _streams(credentials, fan_out)
    narrow = Principal("acc_1", "service", None, None, frozenset({"tickets:read"}), "key_1")
    await credentials.put(hash_token("key"), narrow, expires_at=None)
    with streams.admitted(_ann()) as ann, streams.admitted(Follower(narrow, "key")) as key:
        await streams.check()
        both = (ann.ended, key.ended)
        changed = Principal("acc_1", "service", None, None, frozenset({"events:write"}), "key_1")
        await credentials.put(hash_token("key"), changed, expires_at=None)
        await streams.check()
        one = (ann.ended, key.ended)
        await credentials.revoke(hash_token("ann"))
        await streams.check()
        none = (ann.ended, key.ended)

    assert (both, one, none) == (
        (None, None),
        (None, "session_ended"),
        ("session_ended", "session_ended"),
    )


async def test_streams_that_nobody_can_vouch_for_end(fan_out: FanOut, monkeypatch: pytest.MonkeyPatch) -> None:
    """While sessions cannot be checked streams go on for seconds only, and may be resumed."""
    streams = _streams(_Unable(), fan_out)
    with streams.admitted(_ann()) as stream:
        with pytest.raises(CredentialsUnavailable):
            await streams.check()
        monkeypatch.setattr("tickets.live.live_streams._UNCHECKED_SECONDS", -1.0)
        with pytest.raises(CredentialsUnavailable):
            await streams.check()

    assert stream.ended == "unavailable"


async def test_a_slow_reader_is_told_why_and_goes_on_where_it_was(credentials: Credentials, fan_out: FanOut) -> None:
    """One that takes nothing for a while is dropped with the reason; nothing that it did not get counts as told."""
    streams = _streams(credentials, fan_out)
    async with following(_application(streams, _Counting(10**6), replace(FAST, slow=1.0)), "/", {}) as reader:
        await reader.next("count")
        reader.stall()
        await eventually(lambda: [stream for stream in streams.open if stream.ended])
        reader.resume()
        rest = await reader.rest()
    told = [int(event.id or 0) for event in rest if event.name == "count"]

    assert (rest[-1].name, rest[-1].data) == ("end", {"reason": "too_slow"})
    assert told == list(range(2, len(told) + 2))
    assert not streams.open


async def test_a_reader_that_never_takes_anything_is_cut_off(credentials: Credentials, fan_out: FanOut) -> None:
    """Its place is free again, though it never says goodbye."""
    streams = _streams(credentials, fan_out)
    async with following(_application(streams, _Counting(10**6)), "/", {}) as reader:
        await reader.next("count")
        reader.stall()
        await eventually(lambda: reader.has_ended)
        left = streams.open

    assert isinstance(reader.failure, ReaderGone)
    assert not left


async def test_a_silent_stream_has_a_heartbeat(credentials: Credentials, fan_out: FanOut) -> None:
    """Proxies and readers can tell a quiet stream from a dead one."""
    async with following(_application(_streams(credentials, fan_out), _Counting(0)), "/", {}) as reader:
        await reader.next()
        beats = [await reader.next(seconds=2) for _ in range(2)]

    assert [(beat.name, beat.data) for beat in beats] == [(None, None)] * 2
    assert reader.body.endswith(b": ping\n\n")


async def test_stopping_ends_every_stream_at_once(credentials: Credentials, fan_out: FanOut) -> None:
    """Streams end with the reason, long before the HTTP server would cut them; new ones are refused."""
    streams = _streams(credentials, fan_out)
    await streams.start()
    async with (
        following(_application(streams, _Counting(1)), "/", {}) as one,
        following(_application(streams, _Counting(1)), "/", {}) as other,
    ):
        await one.next("count")
        async with asyncio.timeout(2):
            await streams.stop()
        ends = [(await reader.rest())[-1].data for reader in (one, other)]
        with pytest.raises(Problem) as refused, streams.admitted(_ann()):
            pass

    assert ends == [{"reason": "stopping"}] * 2
    assert (refused.value.status, refused.value.code) == (503, "stopping")


async def test_a_reader_who_leaves_frees_the_place(credentials: Credentials, fan_out: FanOut) -> None:
    """A closed connection is noticed without anything being sent."""
    streams = _streams(credentials, fan_out)
    async with following(_application(streams, _Counting(1)), "/", {}) as reader:
        await reader.next("count")
        before = len(streams.open)

    assert (before, len(streams.open)) == (1, 0)
