"""The audit log's entries: who did what to settings, people and data (S3). Pure; no I/O.

How an action gets into the log:

- A route that does it: a last parameter `act: Annotated[Act, audited("contact.merged")]` behind the one that asks for
  a permission (`service_kit.http.audited`). It stores an intent before the route acts and tells the outcome before
  the answer, so that a crash loses nothing (decision 0025). Ids and counts go into `act.details`.
- Work that goes on by itself, such as a resumed erasure: `await log.record(principal, "contact.erased", contact_id,
  details={"messages": 12}, key=erasure.id)` with the `AuditLog` of `people_app` (`people.audit_log`); again under the
  same `key` it is the same entry, so call it before the last step of what a timer resumes.

A new action is added to `contracts.audit.AuditAction`. Details are ids, counts and states, never secrets or bodies.
"""

from dataclasses import dataclass
from datetime import datetime

from contracts.audit import AuditAction, AuditOutcome, AuditRecorded, Detail
from contracts.people import Actor
from service_kit.docstore import All, Cmp, CollectionSpec, Document, Eq, Filter, Index


class AuditEntry(Document):
    """One action. Entries are only ever added: nothing here changes or removes one.

    `actor_id` stands beside the actor for the index.
    """

    account_id: str
    at: datetime
    action: str
    outcome: AuditOutcome
    actor: Actor
    actor_id: str | None
    credential_id: str | None
    target_id: str | None
    service: str
    request_id: str | None
    source_address: str | None
    fields: tuple[str, ...]
    details: dict[str, Detail]


AUDIT = CollectionSpec(
    name="audit",
    model=AuditEntry,
    indexes=(
        Index(("account_id", "at")),
        Index(("account_id", "actor_id", "at")),
        Index(("account_id", "action", "at")),
        Index(("account_id", "target_id", "at")),
    ),
)


def audit_entry(event: AuditRecorded) -> AuditEntry:
    """The event as the log keeps it."""
    given = event.model_dump(exclude={"type", "time", "actor"})
    return AuditEntry(**given, at=event.time, actor=event.actor, actor_id=event.actor.id)


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """What a list asks for; None does not narrow. `since` is included, `until` is not."""

    account_id: str
    actor: str | None = None
    action: AuditAction | None = None
    target: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def where(self) -> Filter:
        """The query in the language of the store."""
        exact = {"actor_id": self.actor, "action": self.action, "target_id": self.target}
        parts: list[Filter] = [Eq(name, value) for name, value in exact.items() if value is not None]
        if self.since is not None:
            parts.append(Cmp("at", ">=", self.since))
        if self.until is not None:
            parts.append(Cmp("at", "<", self.until))
        return All(Eq("account_id", self.account_id), *parts)
