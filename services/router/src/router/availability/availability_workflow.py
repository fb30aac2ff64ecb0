"""Agents come and go: by their own switch, by logging out, by vanishing (A3)."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import structlog

from router.availability.availability import Availability, DeclaredBy, Sighting, logged_out, lost, observed, switched
from router.availability.availability_store import AvailabilityStore
from service_kit.auth.credentials import Credentials
from service_kit.clock import Clock
from service_kit.crash_points import crash_point
from service_kit.errors import TransientError
from service_kit.outbox import Outbox

_ATTEMPTS = 8

logger = structlog.get_logger()


class AvailabilityContended(TransientError):
    """The same agent's switch was set again and again in between."""


class AvailabilityWorkflow:
    """Sets switches, and tells of every change."""

    def __init__(
        self, store: AvailabilityStore, outbox: Outbox[Availability], credentials: Credentials, clock: Clock
    ) -> None:
        self._store = store
        self._outbox = outbox
        self._credentials = credentials
        self._clock = clock

    async def declare(self, account_id: str, agent_id: str, *, online: bool, declared_by: DeclaredBy) -> Availability:
        """An agent sets their own switch."""
        now = self._clock.now()
        return await self._change(
            account_id,
            agent_id,
            lambda before: switched(before, online=online, declared_by=declared_by, cause="agent", now=now),
        )

    async def observed(self, account_id: str, agent_ids: Sequence[str]) -> Mapping[str, Sighting]:
        """When each agent was seen last by any service, whatever their switch says."""
        seen = await self._credentials.last_seen_of(account_id, agent_ids)
        now = self._clock.now()
        return {agent_id: Sighting(observed(seen.get(agent_id), now), seen.get(agent_id)) for agent_id in agent_ids}

    async def end_logged_out(self) -> None:
        """Whoever logged out is offline; run often, this is the second that A3 allows."""
        entries = await self._credentials.take_logged_out()
        now = self._clock.now()
        for account_id, agent_id, at in entries:
            await self._change(account_id, agent_id, partial(logged_out, at=at, now=now))
        await self._credentials.forget_logged_out(entries)

    async def end_lost(self) -> None:
        """Whoever has not been seen for two minutes is offline."""
        cursor: str | None = None
        while True:
            page = await self._store.online_by_session(cursor=cursor)
            for availability in page.items:
                await self._end_if_lost(availability)
            cursor = page.next_cursor
            if cursor is None:
                return

    async def _end_if_lost(self, availability: Availability) -> None:
        seen = await self._credentials.last_seen(availability.account_id, availability.agent_id)
        now = self._clock.now()
        if lost(availability, seen, now) != availability:
            await self._change(availability.account_id, availability.agent_id, partial(lost, last_seen=seen, now=now))

    async def _change(
        self, account_id: str, agent_id: str, change: Callable[[Availability], Availability]
    ) -> Availability:
        for _ in range(_ATTEMPTS):
            before = await self._store.of_agent(account_id, agent_id, self._clock.now())
            after = change(before)
            if after == before:
                return before
            stored = await self._store.save(after)
            if stored is not None:
                return await self._tell(before, stored)
        raise AvailabilityContended(f"the switch of {agent_id} is being set by too many")

    async def _tell(self, before: Availability, stored: Availability) -> Availability:
        if before.online != stored.online:
            logger.info(
                "availability_changed",
                account_id=stored.account_id,
                agent_id=stored.agent_id,
                online=stored.online,
            )
        crash_point("router.availability_saved")
        (published,) = await self._outbox.publish([stored])
        return published
