"""A `deskbus up` on the engines of a set, and the companies in it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import httpx

from benchmarks.child import SECRET_KEY
from benchmarks.engine_sets import Fresh
from end_to_end.bus import Bus
from end_to_end.commands import Commands
from end_to_end.company import Company
from end_to_end.http_peer import HttpPeer
from end_to_end.kafka_topics import KafkaTopics
from end_to_end.process import DeskbusProcess, free_ports, run_deskbus
from end_to_end.relay import Relay
from end_to_end.twilio import rest_api
from end_to_end.valkey_streams import ValkeyStreams

Found = Callable[[], Company]
"""Makes one more account."""


@contextmanager
def desk_on(fresh: Fresh) -> Iterator[Found]:
    """All services in one process, and outside it what a company has: a relay, a simulated Twilio, the command."""
    (relay_port,) = free_ports(1)
    urls = {name: url for name, url in (("bus_url", fresh.bus_url), ("store_url", fresh.store_url)) if url}
    relay_url = f"smtp://127.0.0.1:{relay_port}"
    process = DeskbusProcess(fresh.home / "up", smtp_relay_url=relay_url, allow_private_urls=1, **urls)
    with ExitStack() as stack:
        stack.callback(process.close)
        if fresh.bus_url:
            # Topics of an engine of its own are made by whoever operates it.
            _provision(process, fresh)
        process.start()
        relay = stack.enter_context(Relay(relay_port))
        twilio = stack.enter_context(HttpPeer(rest_api))
        commands = stack.enter_context(Commands(process.environment))
        process.wait_until_ready()
        client = stack.enter_context(httpx.Client(base_url=process.base_url, timeout=30))
        bus = stack.enter_context(_bus(process, fresh))
        yield lambda: Company(commands.create_account(), client, process, relay, twilio, bus)
        process.stop()


def _provision(system: DeskbusProcess, fresh: Fresh) -> None:
    """Make the topics of a `deskbus up` on engines that are not its own."""
    folder = fresh.home / "init"
    engines = {
        "DESKBUS_STORE_URL": fresh.store_url or f"sqlite:///{folder}/store",
        "DESKBUS_BLOBS_URL": f"file:///{folder}/blobs",
        "DESKBUS_REDIS_URL": fresh.redis_url,
        "DESKBUS_SECRET_KEY": SECRET_KEY,
    }
    done = run_deskbus("init", "--wait", "60", environment={**system.environment, **engines})
    if done.returncode:
        raise RuntimeError(f"deskbus init ended with {done.returncode}: {done.stderr or done.stdout}")


def _bus(process: DeskbusProcess, fresh: Fresh) -> Bus:
    if fresh.bus_url:
        return KafkaTopics(fresh.bus_url)
    return ValkeyStreams((process.home / "engine.url").read_text())
