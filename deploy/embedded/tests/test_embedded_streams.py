"""A service in a process of its own stops though agents hold streams open, and says why it ends them."""

import asyncio
import signal
import time
from pathlib import Path

import pytest
from redis.asyncio import Redis

from end_to_end.event_stream import EventStream
from end_to_end.process import deskbus_environment
from end_to_end.service_processes import ServiceProcess
from end_to_end.until import until
from engines.valkey import ValkeyEngine
from service_kit.auth import Principal
from service_kit.auth.credentials import Credentials, hash_token

pytestmark = [pytest.mark.faults, pytest.mark.timeout(120)]


async def _let_in(url: str, token: str) -> None:
    """A session, as tickets projects it."""
    principal = Principal("acc_1", "agent", "agt_1", "support", frozenset({"*"}), "ses_1")
    async with Redis.from_url(url) as redis:
        await Credentials(redis).put(hash_token(token), principal, expires_at=None)


def test_a_process_with_open_streams_stops_in_time(tmp_path: Path) -> None:
    """SIGTERM ends the streams with a reason and the process with exit code 0, without cutting anything off."""
    with ValkeyEngine() as valkey:
        environment = deskbus_environment(
            tmp_path / "home",
            bus_url=valkey.url,
            redis_url=valkey.url,
            store_url=f"sqlite:///{tmp_path / 'store'}",
            blobs_url=(tmp_path / "blobs").as_uri(),
            secret_key="a key for tests that guards nothing",
        )
        service = ServiceProcess("tickets", tmp_path, environment)
        try:
            service.start()
            until(service.is_ready)
            asyncio.run(_let_in(valkey.url, "ann"))
            headers = {"Authorization": "Bearer ann"}
            with EventStream(service.url, "/v1/tickets/stream", headers) as stream:
                began = time.monotonic()
                service.signal(signal.SIGTERM)
                end = stream.rest()[-1]
                code = service.wait()
                seconds = time.monotonic() - began
        finally:
            service.close()

    assert (end.name, end.data) == ("end", {"reason": "stopping"})
    assert code == 0
    assert seconds < 8
    assert "timeout graceful shutdown exceeded" not in service.log
