"""The engines as the services see them: do they answer, let us in, and hold what the services need?"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from deskbus.doctor.finding import Finding, merged
from service_kit.blobs import Blobs
from service_kit.errors import DeskbusError, Refused, TransientError
from service_kit.platform import Platform
from service_kit.service import Service

Composed = Sequence[tuple[Service, Platform]]

_PROVISION = "run `deskbus init`, and this again"
_ANSWER_SECONDS = 30.0
_PROBE = "deskbus/doctor/probe"
"""No account has this id."""


async def look_at_bus(composed: Composed) -> list[Finding]:
    """Whether each service has its topics, with partitions, replicas and groups as declared."""

    async def look(service: Service, platform: Platform) -> list[Finding]:
        try:
            clauses = await platform.bus.shortcomings()
        finally:
            await platform.bus.stop()
        return [Finding("bus", "failed", clause, _PROVISION) for clause in clauses] or [
            Finding("bus", "ok", f"{service.name} has its topics")
        ]

    return await _each(composed, "bus", "DESKBUS_BUS_URL", look)


async def look_at_stores(composed: Composed) -> list[Finding]:
    """Whether each service's store has its collections and indexes, and would take a write."""

    async def look(service: Service, platform: Platform) -> list[Finding]:
        await platform.store.start()
        try:
            await platform.store.ping()
        finally:
            await platform.store.stop()
        return [Finding("store", "ok", f"{service.name} has its collections and indexes, and takes writes")]

    return await _each(composed, "store", "DESKBUS_STORE_URL", look)


async def look_at_blobs(blobs: Blobs) -> list[Finding]:
    """Whether a blob that is put can be read and removed."""
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            await blobs.put(_PROBE, b"probe")
            await blobs.get(_PROBE)
            await blobs.delete(_PROBE)
    except (DeskbusError, TimeoutError) as error:
        return [_trouble("blobs", "DESKBUS_BLOBS_URL", error)]
    return [Finding("blobs", "ok", "a blob can be put, read and removed")]


async def _each(
    composed: Composed, check: str, setting: str, look: Callable[[Service, Platform], Awaitable[list[Finding]]]
) -> list[Finding]:
    """What each service's look finds, all at once; a trouble that several share is said once, in the first's words."""
    troubles: dict[tuple[type[Exception], str], Finding] = {}

    async def guarded(service: Service, platform: Platform) -> list[Finding]:
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                return await look(service, platform)
        except (DeskbusError, TimeoutError) as error:
            trouble = _trouble(check, setting, error)
            return [troubles.setdefault((type(error), trouble.do), trouble)]

    found = await asyncio.gather(*(guarded(service, platform) for service, platform in composed))
    return merged(finding for findings in found for finding in findings)


def _trouble(check: str, setting: str, error: Exception) -> Finding:
    said = str(error) or f"no answer within {_ANSWER_SECONDS:g} s"
    if "deskbus init" in said:
        return Finding(check, "failed", said, _PROVISION)
    if isinstance(error, Refused):
        return Finding(check, "failed", said, f"correct user, password or rights in {setting}")
    if isinstance(error, TransientError | TimeoutError):
        return Finding(check, "failed", said, f"start it, or correct {setting}; see that no firewall is between")
    return Finding(check, "failed", said, f"correct {setting}")
