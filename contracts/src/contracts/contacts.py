"""Customers: facts reported from outside, and the whole contact as tickets knows it."""

from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from contracts.envelope import Event, Shape, UtcDatetime


class ContactIdentity(Shape):
    """How an outside system names a contact: by one or more of these."""

    email: str | None = Field(default=None, max_length=320)
    phone: str | None = Field(default=None, max_length=32, description="E.164")
    external_id: str | None = Field(default=None, max_length=200)

    @model_validator(mode="after")
    def _one_is_given(self) -> "ContactIdentity":
        if not (self.email or self.phone or self.external_id):
            raise ValueError("give at least one of email, phone, external_id")
        return self


class SmsConsent(Shape):
    """Consent to receive SMS (M5). `stopped` wins over both."""

    marketing: bool | None = None
    transactional: bool | None = None
    stopped: bool | None = None


class Consent(Shape):
    """Consent per channel."""

    sms: SmsConsent | None = None


class ContactUpdated(Event):
    """An outside system, or a gateway, reports facts. What is absent stays; per number the newest `time` wins."""

    key_field: ClassVar[str] = "account_id"

    type: Literal["support.contact.updated.v1"] = "support.contact.updated.v1"
    contact: ContactIdentity
    name: str | None = Field(default=None, max_length=500)
    segments: tuple[str, ...] | None = Field(default=None, max_length=1000)
    consent: Consent | None = None
    custom: dict[str, Any] | None = None


class ContactEventRecorded(Event):
    """Something a contact did elsewhere (an order, a visit), for the agents to see."""

    key_field: ClassVar[str] = "account_id"

    type: Literal["support.contact.event_recorded.v1"] = "support.contact.event_recorded.v1"
    contact: ContactIdentity
    metric: str = Field(min_length=1, max_length=200)
    at: UtcDatetime
    properties: dict[str, Any] = Field(default_factory=dict)


class NumberConsent(Shape):
    """Consent of one number, and when each part was last said."""

    marketing: bool = False
    transactional: bool = False
    stopped: bool = False
    updated_at: UtcDatetime


class ContactChanged(Event):
    """The whole contact, republished by tickets after every change. `version` rises with each.

    A contact that was merged is empty, and says into which (`merged_into`); that one tells all that is known, and
    names those it is made of (`merged`). Tickets name their customer by either; undoing the merge makes both whole.

    `left_out` names the fields that are empty, or hold their beginning only, because the whole would be too large for
    an event: what tickets answers over HTTP has all of them.
    """

    key_field: ClassVar[str] = "contact_id"

    type: Literal["support.contact.changed.v1"] = "support.contact.changed.v1"
    contact_id: str
    version: int
    name: str | None = None
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    external_ids: tuple[str, ...] = ()
    visitor_ids: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    sms_consent: dict[str, NumberConsent] = Field(default_factory=dict)
    custom: dict[str, Any] = Field(default_factory=dict)
    blocked: bool = False
    merged_into: str | None = None
    merged: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
