"""What was done to settings, people and data, told to the audit log so that no crash loses it (S3, decision 0025).

An intent is stored before the action and told as `done` after it. An action that was refused leaves nothing; one whose
process died in between is told as `uncertain`: the log may say too much of it, never nothing.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import structlog

from contracts.audit import AuditAction, AuditOutcome, AuditRecorded, Detail
from contracts.envelope import UtcDatetime
from contracts.ids import new_id
from service_kit.auth.principal import Principal
from service_kit.clock import Clock
from service_kit.crash_points import crash_point
from service_kit.docstore import Cmp, CollectionSpec, Document, Index
from service_kit.errors import TransientError
from service_kit.platform import Platform
from service_kit.request_origin import CURRENT
from service_kit.worker import PeriodicWorker

UNCERTAIN_AFTER = timedelta(minutes=2)
"""Longer than any request takes."""
_RELAY_INTERVAL_SECONDS = 2.0
_RELAY_PAGE = 100
_MAX_TEXT = 500

logger = structlog.get_logger()


class AuditIntent(Document):
    """An action that has begun; told at `tell_at`, unless its end tells it before."""

    event: dict[str, Any]
    tell_at: UtcDatetime


AUDIT_INTENTS = CollectionSpec(name="audit_intents", model=AuditIntent, indexes=(Index(("tell_at",)),))


def audit_event(
    clock: Clock,
    service: str,
    principal: Principal,
    action: AuditAction,
    target_id: str | None,
    *,
    fields: tuple[str, ...] = (),
    details: Mapping[str, Detail] | None = None,
    entry_id: str | None = None,
) -> AuditRecorded:
    """An entry about what `principal` does in the request at hand; the same `entry_id` again is the same entry."""
    origin = CURRENT.get()
    return AuditRecorded(
        id=entry_id or new_id("aud"),
        account_id=principal.account_id,
        time=clock.now(),
        action=action,
        actor=principal.actor,
        credential_id=principal.credential_id,
        target_id=target_id,
        service=service,
        request_id=origin.request_id if origin else None,
        source_address=origin.source_address if origin else None,
        fields=fields,
        details=bounded(details or {}),
    )


def bounded(details: Mapping[str, Detail]) -> dict[str, Detail]:
    """Details as the contract takes them: a long text is cut, since the action it tells of is done already."""
    return {name: value[:_MAX_TEXT] if isinstance(value, str) else value for name, value in details.items()}


class AuditTrail:
    """The intents of one service, and their way to the log. Each of its applications and workers may have its own."""

    def __init__(self, platform: Platform, service: str) -> None:
        self.service = service
        self.clock = platform.clock
        self._bus = platform.bus
        self._intents = platform.store.collection(AUDIT_INTENTS)

    async def begin(self, event: AuditRecorded) -> AuditIntent:
        """Store what is about to be done; raises where that cannot be, and then nothing may be done."""
        intent = self._intent(event, "uncertain", UNCERTAIN_AFTER)
        await self._intents.insert_many([intent])
        crash_point("audit.begun")
        return intent.model_copy(update={"rev": 1})

    async def done(self, intent: AuditIntent, event: AuditRecorded) -> None:
        """Tell that it was done.

        It was, so nothing here may make the caller think otherwise: what cannot be told now, the relay tells.
        """
        crash_point("audit.acted")
        try:
            await self._bus.publish([event])
            crash_point("audit.told")
            await self._intents.delete_many([intent])
        except TransientError as error:
            logger.warning("audit_delayed", entry_id=event.id, action=event.action, error=repr(error))
            await self._leave_to_relay(intent, event)

    async def withdraw(self, intent: AuditIntent) -> None:
        """Forget what was refused."""
        try:
            await self._intents.delete_many([intent])
        except TransientError as error:
            # The refusal is what the caller must hear; the log will call this attempt uncertain.
            logger.warning("audit_not_withdrawn", entry_id=intent.id, error=repr(error))

    async def relay(self) -> int:
        """Tell what a crash or an outage left; how many."""
        page = await self._intents.find(Cmp("tell_at", "<=", self.clock.now()), limit=_RELAY_PAGE)
        if page.items:
            await self._bus.publish([AuditRecorded.model_validate(intent.event) for intent in page.items])
            await self._intents.delete_many(page.items)
        return len(page.items)

    def worker(self) -> PeriodicWorker:
        """The relay, for as long as the service lives."""
        return PeriodicWorker(f"{self.service}.audit", _RELAY_INTERVAL_SECONDS, self.relay)

    async def _leave_to_relay(self, intent: AuditIntent, event: AuditRecorded) -> None:
        try:
            told = self._intent(event, event.outcome, timedelta(0))
            await self._intents.replace_many([told.model_copy(update={"rev": intent.rev})])
        except TransientError as error:
            logger.warning("audit_uncertain", entry_id=event.id, action=event.action, error=repr(error))

    def _intent(self, event: AuditRecorded, outcome: AuditOutcome, delay: timedelta) -> AuditIntent:
        body = event.model_copy(update={"outcome": outcome}).model_dump(mode="json")
        return AuditIntent(id=event.id, event=body, tell_at=self.clock.now() + delay)
