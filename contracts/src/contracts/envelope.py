"""The envelope of every event: CloudEvents 1.0 in binary mode over the bus.

The record's value is the plain event as JSON; the CloudEvents attributes travel as `ce_*` headers
(https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md, section 3.2).
`type` stands in the body too, so that a record survives a sink that drops headers.
"""

from datetime import UTC, datetime
from typing import Annotated, ClassVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

SPEC_VERSION = "1.0"
CONTENT_TYPE = "application/json"


def _to_utc(value: datetime) -> datetime:
    return value.astimezone(UTC)


type_pattern = r"^support\.[a-z_]+(\.[a-z_]+)+\.v[1-9][0-9]*$"

UtcDatetime = Annotated[AwareDatetime, AfterValidator(_to_utc)]
"""An aware moment, always held in UTC. Naive datetimes are refused."""


class Shape(BaseModel):
    """A value inside an event: frozen; unknown fields are ignored, so that additive change is free."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Event(Shape):
    """A fact that happened in one account. Subclasses fix `type` and name their partition key.

    The class knows which field its record is keyed by (`key_field`): the partition key is part of the
    contract, because order is kept per key and only per key.
    """

    key_field: ClassVar[str]

    type: Annotated[str, Field(pattern=type_pattern)]
    id: Annotated[str, Field(min_length=1, max_length=200)]
    account_id: Annotated[str, Field(min_length=1, max_length=100)]
    time: UtcDatetime

    @property
    def key(self) -> str:
        """The record key: account and aggregate, so that no key is shared between accounts."""
        value = getattr(self, self.key_field)
        return self.account_id if self.key_field == "account_id" else f"{self.account_id}/{value}"

    def headers(self, source: str) -> dict[str, str]:
        """CloudEvents attributes as record headers. `source` is the publishing service's name."""
        return {
            "ce_specversion": SPEC_VERSION,
            "ce_id": self.id,
            "ce_type": self.type,
            "ce_source": f"/deskbus/{source}",
            "ce_time": self.time.isoformat(),
            "ce_subject": self.key,
            "content-type": CONTENT_TYPE,
        }

    def payload(self) -> bytes:
        """The record's value: this event as compact JSON."""
        return self.model_dump_json().encode()
