"""The documents of contacts. No rules: those are in `contacts`."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from contracts.envelope import UtcDatetime
from contracts.people import Actor
from service_kit.docstore import CollectionSpec, Document, Index
from service_kit.outbox import Outboxed
from service_kit.timers import Timed

IdentityKind = Literal["email", "phone", "visitor", "external"]


class Identity(Document):
    """One address, number, visitor or outside id, and the contact it belongs to.

    The id derives from what it is: that is what makes an identity unique in its account.
    """

    account_id: str
    kind: IdentityKind
    value: str
    contact_id: str

    @property
    def domain(self) -> str | None:
        """Of a mail address: what stands behind the @."""
        return self.value.rpartition("@")[2] if self.kind == "email" else None


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


class ContactPart(BaseModel):
    """What is known of one of the contacts that became one; `into` is the one it was merged into, if it was.

    Every fact that a contact can have is here as well.
    """

    model_config = ConfigDict(frozen=True)

    into: str | None = None
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


class ContactMergeClaim(BaseModel):
    """That two contacts become one, or one becomes two again: held by both until it is done.

    `at` tells two attempts at the same thing apart.
    """

    model_config = ConfigDict(frozen=True)

    kind: Literal["merge", "unmerge"]
    source_id: str
    target_id: str
    actor: Actor
    at: UtcDatetime


class Contact(Outboxed, Timed):
    """A customer. `version` rises with every published change.

    `unverified_email` is what a visitor typed into a form: shown to agents, never used to find a contact (W6).
    `automatic` are the automatic messages of the last hour, by their ids. A contact that others were merged into
    keeps what is known of each in `parts`, its own first, and shows it together; a merged one knows nothing but
    where it went (`merged_into`). `merge_settled_at` is when the last merge of it, or its undoing, was asked for.
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
    parts: dict[str, ContactPart] = Field(default_factory=dict)
    merged_into: str | None = None
    merge_claim: ContactMergeClaim | None = None
    merge_settled_at: UtcDatetime | None = None
    search_tokens: tuple[str, ...] = ()
    blocked: bool = False
    erased_at: UtcDatetime | None = None
    created_at: UtcDatetime
    updated_at: UtcDatetime

    @property
    def ids(self) -> tuple[str, ...]:
        """Every id that tickets and activities may know this person by, its own first."""
        return tuple(dict.fromkeys((self.id, *self.parts)))

    @property
    def merged(self) -> tuple[str, ...]:
        """The contacts that were merged into it."""
        return self.ids[1:]

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
    indexes=(Index(("account_id", "merged_into", "updated_at")), Index(("outbox_since",)), Index(("due_at",))),
    tokens="search_tokens",
)

IDENTITIES = CollectionSpec(name="identities", model=Identity, indexes=(Index(("account_id", "domain")),))

ACTIVITIES = CollectionSpec(
    name="contact_activities",
    model=ContactActivity,
    indexes=(
        Index(("contact_id", "at")),
        Index(("contact_id", "metric", "at")),
        Index(("account_id", "metric", "at")),
    ),
)
