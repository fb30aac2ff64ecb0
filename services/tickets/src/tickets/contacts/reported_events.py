"""What outside systems report through `POST /v1/events`, in the shape of CloudEvents 1.0. Pure; no I/O."""

import json
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import to_json

from contracts.campaigns import CampaignMessageSent
from contracts.contacts import Consent, ContactEventRecorded, ContactIdentity, ContactUpdated
from contracts.envelope import Event, UtcDatetime
from contracts.ids import derive_id
from tickets.people.email_address import EmailAddress

_MAX_PROPERTIES_BYTES = 16_384
MAX_SEGMENTS_BYTES = 262_144
"""A thousand names of 200 letters; all of a contact's are told in one event."""


def _small(value: dict[str, Any]) -> dict[str, Any]:
    if len(json.dumps(value)) > _MAX_PROPERTIES_BYTES:
        raise ValueError(f"more than {_MAX_PROPERTIES_BYTES} bytes as JSON")
    return value


def _tellable(value: tuple[str, ...]) -> tuple[str, ...]:
    if len(to_json(value)) > MAX_SEGMENTS_BYTES:
        raise ValueError(f"more than {MAX_SEGMENTS_BYTES} bytes as JSON")
    return value


PhoneNumber = Annotated[str, Field(pattern=r"^\+[1-9][0-9]{6,14}$", description="E.164")]
Properties = Annotated[dict[str, Any], AfterValidator(_small)]
Segment = Annotated[str, Field(min_length=1, max_length=200)]
Segments = Annotated[tuple[Segment, ...], Field(max_length=1000), AfterValidator(_tellable)]


class _Reported(BaseModel):
    """Unknown members are ignored: CloudEvents allows extensions, and reporters may say more than we know."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class ReportedContact(_Reported):
    """Whom an event is about: at least one of these."""

    email: EmailAddress | None = None
    phone: PhoneNumber | None = None
    external_id: Annotated[str | None, Field(min_length=1, max_length=200)] = None

    @model_validator(mode="after")
    def _one_is_given(self) -> "ReportedContact":
        if not (self.email or self.phone or self.external_id):
            raise ValueError("give at least one of email, phone, external_id")
        return self

    def identity(self) -> ContactIdentity:
        """The same for the bus."""
        return ContactIdentity(email=self.email, phone=self.phone, external_id=self.external_id)


class ReachableContact(_Reported):
    """Whom a campaign wrote to."""

    phone: PhoneNumber


class ContactFacts(_Reported):
    """What is now true of a contact; what is absent stays."""

    contact: ReportedContact
    name: Annotated[str | None, Field(max_length=500)] = None
    segments: Segments | None = None
    consent: Consent | None = None
    custom: Properties | None = None


class ContactAct(_Reported):
    """What a contact did elsewhere."""

    contact: ReportedContact
    metric: Annotated[str, Field(min_length=1, max_length=200)]
    at: UtcDatetime
    properties: Properties = Field(default_factory=dict)


class CampaignMessage(_Reported):
    """What a campaign sent."""

    contact: ReachableContact
    channel: Literal["sms"] = "sms"
    campaign_id: Annotated[str, Field(min_length=1, max_length=200)]
    sent_at: UtcDatetime


class _CloudEvent(_Reported):
    specversion: Literal["1.0"]
    id: Annotated[str, Field(min_length=1, max_length=500)]
    source: Annotated[str, Field(min_length=1, max_length=500)]
    time: UtcDatetime | None = None

    def _event_id(self, account_id: str) -> str:
        """CloudEvents makes `source` and `id` unique together: the same pair is the same event."""
        return derive_id("evt", account_id, self.source, self.id)

    def _moment(self, now: datetime) -> datetime:
        """A clock that runs ahead must not win over everything said until its time comes."""
        return min(self.time or now, now)


class ContactUpdatedReport(_CloudEvent):
    """Facts about a contact."""

    type: Literal["support.contact.updated.v1"]
    data: ContactFacts

    def to_event(self, account_id: str, now: datetime) -> Event:
        """The same for the bus."""
        return ContactUpdated(
            id=self._event_id(account_id),
            account_id=account_id,
            time=self._moment(now),
            contact=self.data.contact.identity(),
            name=self.data.name,
            segments=self.data.segments,
            consent=self.data.consent,
            custom=self.data.custom,
        )


class ContactEventReport(_CloudEvent):
    """An act of a contact."""

    type: Literal["support.contact.event_recorded.v1"]
    data: ContactAct

    def to_event(self, account_id: str, now: datetime) -> Event:
        """The same for the bus."""
        return ContactEventRecorded(
            id=self._event_id(account_id),
            account_id=account_id,
            time=self._moment(now),
            contact=self.data.contact.identity(),
            metric=self.data.metric,
            at=self.data.at,
            properties=self.data.properties,
        )


class CampaignMessageReport(_CloudEvent):
    """A message of a campaign."""

    type: Literal["support.campaign.message_sent.v1"]
    data: CampaignMessage

    def to_event(self, account_id: str, now: datetime) -> Event:
        """The same for the bus."""
        return CampaignMessageSent(
            id=self._event_id(account_id),
            account_id=account_id,
            time=self._moment(now),
            phone=self.data.contact.phone,
            campaign_id=self.data.campaign_id,
            sent_at=self.data.sent_at,
        )


Report = Annotated[
    ContactUpdatedReport | ContactEventReport | CampaignMessageReport,
    Field(discriminator="type"),
]
"""Public contract: what outsiders may report."""
