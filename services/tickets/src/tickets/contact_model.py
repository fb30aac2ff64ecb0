"""The documents of contacts. No rules: those are in `contacts`."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from contracts.envelope import UtcDatetime
from service_kit.docstore import CollectionSpec, Document, Index
from service_kit.outbox import Outboxed

IdentityKind = Literal["email", "phone", "visitor", "external"]


class Identity(Document):
    """One address, number, visitor or outside id, and the contact it belongs to.

    The id derives from what it is: that is what makes an identity unique in its account.
    """

    account_id: str
    kind: IdentityKind
    value: str
    contact_id: str


class SaidBool(BaseModel):
    """A yes or no, and when it was said."""

    model_config = ConfigDict(frozen=True)

    value: bool
    at: UtcDatetime


class SaidAny(BaseModel):
    """A custom field's value, and when it was said."""

    model_config = ConfigDict(frozen=True)

    value: Any
    at: UtcDatetime


class NumberSaid(BaseModel):
    """What was said about sending SMS to one number; each part on its own."""

    model_config = ConfigDict(frozen=True)

    marketing: SaidBool | None = None
    transactional: SaidBool | None = None
    stopped: SaidBool | None = None

    @property
    def said_at(self) -> datetime | None:
        """When something was said last."""
        parts = (self.marketing, self.transactional, self.stopped)
        return max((part.at for part in parts if part is not None), default=None)

    @property
    def is_stopped(self) -> bool:
        """Whether the number said stop, which wins over everything else."""
        return self.stopped is not None and self.stopped.value

    @property
    def is_given(self) -> bool:
        """Whether consent of either kind was expressly given and not stopped."""
        given = any(said is not None and said.value for said in (self.marketing, self.transactional))
        return given and not self.is_stopped


class Contact(Outboxed):
    """A customer. `version` rises with every published change.

    `unverified_email` is what a visitor typed into a form: shown to agents, never used to find a contact (W6).
    `automatic` are the automatic messages of the last hour, by their ids.
    """

    account_id: str
    version: int = 0
    name: str | None = None
    name_said_at: UtcDatetime | None = None
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    external_ids: tuple[str, ...] = ()
    visitor_ids: tuple[str, ...] = ()
    unverified_email: str | None = None
    segments: tuple[str, ...] = ()
    segments_said_at: UtcDatetime | None = None
    sms_consent: dict[str, NumberSaid] = Field(default_factory=dict)
    custom: dict[str, SaidAny] = Field(default_factory=dict)
    automatic: dict[str, UtcDatetime] = Field(default_factory=dict)
    search_tokens: tuple[str, ...] = ()
    created_at: UtcDatetime
    updated_at: UtcDatetime

    @property
    def email(self) -> str | None:
        """The address to show."""
        return self.emails[0] if self.emails else self.unverified_email

    @property
    def phone(self) -> str | None:
        """The number to show."""
        return self.phones[0] if self.phones else None


class ContactActivity(Document):
    """Something a contact did elsewhere; the id is the event's that told of it."""

    account_id: str
    contact_id: str
    metric: str
    at: UtcDatetime
    properties: dict[str, Any] = Field(default_factory=dict)


CONTACTS = CollectionSpec(
    name="contacts",
    model=Contact,
    indexes=(Index(("account_id", "updated_at")), Index(("outbox_since",))),
    tokens="search_tokens",
)

IDENTITIES = CollectionSpec(name="identities", model=Identity)

ACTIVITIES = CollectionSpec(
    name="contact_activities",
    model=ContactActivity,
    indexes=(Index(("contact_id", "at")), Index(("contact_id", "metric", "at"))),
)
