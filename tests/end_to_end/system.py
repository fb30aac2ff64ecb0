"""One running system with everything outside it that it talks to."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from end_to_end.bus import Bus
from end_to_end.caller import Caller
from end_to_end.commands import Commands
from end_to_end.company import Company
from end_to_end.http_peer import HttpPeer
from end_to_end.process import DeskbusProcess, free_ports
from end_to_end.relay import Relay
from end_to_end.running_process import RunningProcess
from end_to_end.service_processes import ServiceProcesses
from end_to_end.settings import Composition, EndToEndSettings
from end_to_end.twilio import rest_api
from end_to_end.valkey_streams import ValkeyStreams
from engines.valkey import ValkeyEngine

MAIL_SIZE_LIMIT_BYTES = 1024 * 1024
"""Smaller than by default, so that going over it takes no time."""

_DRIVERS = ("aiokafka.", "pymongo.")

System = DeskbusProcess | ServiceProcesses


@dataclass(frozen=True, slots=True)
class RunningSystem:
    """A ready system: its process or processes, its relay, its Twilio, its commands and its bus."""

    process: RunningProcess
    relay: Relay
    twilio: HttpPeer
    commands: Commands
    client: httpx.Client
    bus: Bus

    @property
    def stranger(self) -> Caller:
        """Somebody without a key."""
        return Caller(self.client)

    def company(self) -> Company:
        """A new account."""
        return Company(self.commands.create_account(), self.client, self.process, self.relay, self.twilio, self.bus)

    def first_company(self) -> Company:
        """The account that the first start made."""
        return Company(self.process.owner(), self.client, self.process, self.relay, self.twilio, self.bus)


@contextmanager
def running_system(folder: Path, composition: Composition) -> Iterator[RunningSystem]:
    """A system of its own in a folder; it must stop cleanly, and must not have failed inside meanwhile."""
    (relay_port,) = free_ports(1)
    with ExitStack() as stack:
        process = _composed(stack, composition, folder, f"smtp://127.0.0.1:{relay_port}")
        process.environment["INGEST_EMAIL_MAIL_SIZE_LIMIT_BYTES"] = str(MAIL_SIZE_LIMIT_BYTES)
        stack.callback(process.close)
        process.start()
        with Relay(relay_port) as relay, HttpPeer(rest_api) as twilio, Commands(process.environment) as commands:
            process.wait_until_ready()
            with httpx.Client(base_url=process.base_url, timeout=30) as client, _bus(process) as bus:
                yield RunningSystem(process, relay, twilio, commands, client, bus)
        code = process.stop()
        assert code == 0, process.log()
        failed = failures(process.log())
        assert failed == [], "\n".join(failed)


def _composed(stack: ExitStack, composition: Composition, folder: Path, relay_url: str) -> System:
    if composition == "embedded":
        return DeskbusProcess(folder / "home", smtp_relay_url=relay_url, allow_private_urls=1)
    redis_url = stack.enter_context(ValkeyEngine()).url
    bus_url, store_url = redis_url, f"sqlite:///{folder / 'store'}"
    if composition == "production":
        bus_url, store_url = _engines_of_production()
    return ServiceProcesses(
        folder / "services",
        bus_url=bus_url,
        store_url=store_url,
        redis_url=redis_url,
        smtp_relay_url=relay_url,
        allow_private_urls=1,
    )


def _engines_of_production() -> tuple[str, str]:
    given = EndToEndSettings()
    if not given.kafka_url or not given.mongo_url:
        raise RuntimeError(
            "DESKBUS_TEST_COMPOSITION=production needs engines: `python -m engines -- pytest …` has them"
        )
    return given.kafka_url, given.mongo_url


def _bus(process: System) -> Bus:
    if isinstance(process, DeskbusProcess):
        return ValkeyStreams((process.home / "engine.url").read_text())
    if process.bus_url.startswith("kafka://"):
        from end_to_end.kafka_topics import KafkaTopics  # noqa: PLC0415 - its client is for production only

        return KafkaTopics(process.bus_url)
    return ValkeyStreams(process.bus_url)


def failures(log: str) -> list[str]:
    """What the log calls an error, apart from dead letters, which the tests make on purpose.

    Drivers also call errors what they then try again: a cluster makes its group coordinator when it is first asked.
    """
    errors = [line for line in map(json.loads, log.splitlines()) if line["level"] == "error"]
    return [
        str(line) for line in errors if line["event"] != "dead_lettered" and not line["logger"].startswith(_DRIVERS)
    ]
