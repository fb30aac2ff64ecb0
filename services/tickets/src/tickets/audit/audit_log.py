"""Writing the audit log: what every service tells over the bus, and what tickets enters itself."""

from collections.abc import Mapping, Sequence

from contracts.audit import AuditAction, AuditRecorded, Detail
from contracts.envelope import Event
from contracts.ids import derive_id
from contracts.people import Actor
from contracts.topics import AUDIT_EVENTS
from service_kit.audit import audit_event
from service_kit.auth import Principal
from service_kit.bus import Bus, Subscription
from service_kit.clock import Clock
from tickets.audit.audit import audit_entry
from tickets.audit.audit_store import AuditStore


class AuditLog:
    """The log's one way in; `tickets.audit` says who uses which."""

    def __init__(self, store: AuditStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def record(
        self,
        principal: Principal,
        action: AuditAction,
        target_id: str | None,
        *,
        details: Mapping[str, Detail] | None = None,
        key: str | None = None,
    ) -> None:
        """Enter an action; again under the same `key` changes nothing. Raises where it cannot be stored."""
        entry_id = derive_id("aud", principal.account_id, action, key) if key is not None else None
        event = audit_event(self._clock, "tickets", principal, action, target_id, details=details, entry_id=entry_id)
        await self._store.add([audit_entry(event)])

    async def record_created(self, account_id: str, owner_id: str) -> None:
        """Enter that an account began, by the command; again changes nothing."""
        event = AuditRecorded(
            id=derive_id("aud", account_id, "account.created"),
            account_id=account_id,
            time=self._clock.now(),
            action="account.created",
            actor=Actor(kind="system"),
            target_id=account_id,
            service="tickets",
            details={"owner_id": owner_id},
        )
        await self._store.add([audit_entry(event)])

    async def take_in(self, events: Sequence[Event]) -> None:
        """Enter what services told."""
        await self._store.add([audit_entry(event) for event in events if isinstance(event, AuditRecorded)])

    def subscribe(self, bus: Bus) -> None:
        """Declare the reader."""
        bus.subscribe(Subscription(AUDIT_EVENTS, "tickets", self.take_in, only=(AuditRecorded,)))
