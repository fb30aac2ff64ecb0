"""Saved filters for what contacts did elsewhere (V3): which metrics, and when. The rules are pure."""

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from contracts.envelope import UtcDatetime
from service_kit.docstore import CollectionSpec, Document, Index

FILTERS_PER_ACCOUNT = 500

FilterName = Annotated[str, Field(min_length=1, max_length=100)]
Metric = Annotated[str, Field(min_length=1, max_length=200)]


class EventChoice(BaseModel):
    """Which events: of some metrics or of all; between two moments, or of the last days. `until` is not included."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    metrics: Annotated[tuple[Metric, ...], Field(max_length=50)] = ()
    since: UtcDatetime | None = None
    until: UtcDatetime | None = None
    last_days: Annotated[int | None, Field(ge=1, le=3_660)] = None

    @model_validator(mode="after")
    def _range_is_one(self) -> "EventChoice":
        if self.last_days is not None and (self.since is not None or self.until is not None):
            raise ValueError("give since and until, or last_days")
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise ValueError("since must be before until")
        return self

    def over(self, other: "EventChoice") -> "EventChoice":
        """The `other` one, but for what this one says itself; a range replaces a range whole."""
        has_range = any(said is not None for said in (self.since, self.until, self.last_days))
        ranged = self if has_range else other
        return EventChoice(
            metrics=self.metrics or other.metrics,
            since=ranged.since,
            until=ranged.until,
            last_days=ranged.last_days,
        )

    def since_at(self, now: datetime) -> datetime | None:
        """From when on."""
        return now - timedelta(days=self.last_days) if self.last_days is not None else self.since


class ContactEventFilter(Document):
    """One filter, which everybody of the account sees; `sort_name` is how lists order it."""

    account_id: str
    name: str
    sort_name: str
    choice: EventChoice
    created_at: UtcDatetime
    updated_at: UtcDatetime


CONTACT_EVENT_FILTERS = CollectionSpec(
    name="contact_event_filters", model=ContactEventFilter, indexes=(Index(("account_id", "sort_name")),)
)
