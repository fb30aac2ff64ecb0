"""What people and services did that an account must be able to look up later (S3)."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from contracts.envelope import Event
from contracts.people import Actor

AuditAction = Literal[
    "account.created",
    "agent.changed",
    "agent.created",
    "agent.limits_changed",
    "agent.removed",
    "agent.sessions_ended",
    "agent.totp_reset",
    "api_key.created",
    "api_key.revoked",
    "contact.blocked",
    "contact.erased",
    "contact.exported",
    "contact.merged",
    "contact.purged",
    "contact.unblocked",
    "contact.unmerged",
    "custom_field.changed",
    "custom_field.created",
    "custom_field.deleted",
    "forwarding_check.started",
    "macro.changed",
    "macro.created",
    "macro.deleted",
    "message.redacted",
    "quarantine.replayed",
    "report.exported",
    "schedule.changed",
    "schedule.created",
    "schedule.deleted",
    "session.ended",
    "session.refused",
    "session.started",
    "settings.changed",
    "suppression.lifted",
    "team.changed",
    "team.created",
    "team.deleted",
    "ticket.merged",
    "totp.begun",
    "totp.disabled",
    "totp.enabled",
    "view.changed",
    "view.created",
    "view.deleted",
    "webhook.changed",
    "webhook.created",
    "webhook.deleted",
]
"""Public contract: every action that the audit log knows, as `<what>.<past participle>`. Add freely, never rename."""

AuditOutcome = Literal["done", "uncertain"]
"""`uncertain`: the process ended, or failed, in the middle; the action may have been carried out or not."""

Detail = Annotated[str, Field(max_length=500)] | int | bool | None


class AuditRecorded(Event):
    """An entry for the audit log: names of fields and ids, never secrets, bodies or what a customer wrote.

    `action` is one of `AuditAction`; it is a string here, so that a newer service's action is kept by an older log.
    `fields` names what a request gave, dotted. `target_id` is the agent, key, ticket, settings area … it was done to.
    """

    key_field: ClassVar[str] = "account_id"

    type: Literal["support.audit.recorded.v1"] = "support.audit.recorded.v1"
    action: Annotated[str, Field(pattern=r"^[a-z_]+\.[a-z_]+$", max_length=100)]
    outcome: AuditOutcome = "done"
    actor: Actor
    credential_id: str | None = Field(default=None, max_length=100, description="The session or API key used.")
    target_id: str | None = Field(default=None, max_length=320)
    service: Annotated[str, Field(max_length=100, description="Which service did it.")]
    request_id: str | None = Field(default=None, max_length=100)
    source_address: str | None = Field(default=None, max_length=100)
    fields: tuple[Annotated[str, Field(max_length=200)], ...] = Field(default=(), max_length=60)
    details: dict[Annotated[str, Field(max_length=100)], Detail] = Field(default_factory=dict, max_length=30)
