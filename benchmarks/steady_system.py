"""What steady rates are sent into: one `deskbus up`, or a process for each service where the bus takes several."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from benchmarks.engine_sets import Fresh
from end_to_end.process import DeskbusProcess
from end_to_end.service_processes import ServiceProcesses

_TICKS = os.sysconf("SC_CLK_TCK")
_USER, _SYSTEM = 13, 14
_UP = "up"


class SteadySystem(Protocol):
    """Everything of one Deskbus, however it is composed."""

    environment: dict[str, str]
    smtp_port: int

    @property
    def pids(self) -> Sequence[int]:
        """Its own processes; engines and the mail parsers are processes beside them."""

    def start(self) -> None:
        """Begin to start."""

    def wait_until_ready(self) -> None:
        """Returns when it can work and has a first account."""

    def owner(self) -> dict[str, Any]:
        """The first account's."""

    def stop(self) -> int:
        """End it in order."""

    def close(self) -> None:
        """Make sure that nothing is left running."""


def steady_system(fresh: Fresh, **settings: object) -> SteadySystem:
    """As it runs on these engines: all in one process on the embedded bus, on Kafka as production has it."""
    if not fresh.bus_url:
        return DeskbusProcess(fresh.home / _UP, **settings)
    return ServiceProcesses(
        fresh.home / "services",
        bus_url=fresh.bus_url,
        store_url=fresh.store_url or f"sqlite:///{fresh.home}/store",
        redis_url=fresh.redis_url,
        **settings,
    )


def redis_url(fresh: Fresh) -> str:
    """Where the Valkey of what runs on these engines is: a `deskbus up` starts one of its own."""
    return fresh.redis_url if fresh.bus_url else (fresh.home / _UP / "engine.url").read_text()


def cpu_seconds(system: SteadySystem) -> float:
    """The processor time that its processes have had."""
    return sum(_cpu_seconds(pid) for pid in system.pids)


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[_USER - 2]) + int(fields[_SYSTEM - 2])) / _TICKS
