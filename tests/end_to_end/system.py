"""One running system with everything outside it that it talks to."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
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
from end_to_end.twilio import rest_api

MAIL_SIZE_LIMIT_BYTES = 1024 * 1024
"""Smaller than by default, so that going over it takes no time."""


@dataclass(frozen=True, slots=True)
class RunningSystem:
    """A ready system: its process, its relay, its Twilio, its commands and its bus."""

    process: DeskbusProcess
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
def running_system(folder: Path) -> Iterator[RunningSystem]:
    """A system of its own in a folder; it must stop cleanly, and must not have failed inside meanwhile."""
    (relay_port,) = free_ports(1)
    process = DeskbusProcess(folder / "home", smtp_relay_url=f"smtp://127.0.0.1:{relay_port}", allow_private_urls=1)
    process.environment["INGEST_EMAIL_MAIL_SIZE_LIMIT_BYTES"] = str(MAIL_SIZE_LIMIT_BYTES)
    process.start()
    try:
        with Relay(relay_port) as relay, HttpPeer(rest_api) as twilio, Commands(process.environment) as commands:
            process.wait_until_ready()
            with httpx.Client(base_url=process.base_url, timeout=30) as client, Bus(process) as bus:
                yield RunningSystem(process, relay, twilio, commands, client, bus)
        code = process.stop()
        assert code == 0, process.output
        failed = failures(process.home / "deskbus.log")
        assert failed == [], "\n".join(failed)
    finally:
        process.close()


def failures(log: Path) -> list[str]:
    """What the log calls an error, apart from dead letters: those the tests make on purpose."""
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return [str(line) for line in lines if line["level"] == "error" and line["event"] != "dead_lettered"]
