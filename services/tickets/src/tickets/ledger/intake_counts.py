"""How many deliveries a time brought and how they ended, to be set against what gateways took (I2). Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from contracts.intake import Verdict
from service_kit.docstore import All, Cmp, Eq, Filter
from service_kit.problem import Problem

LONGEST = timedelta(days=92)
_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
"""Beyond what calendars hold, a moment in one zone has none in another."""

EXACT_TO = 1_000_000
"""How far each verdict of a mailbox is counted."""


@dataclass(frozen=True, slots=True)
class IntakeRange:
    """The deliveries of an account from `start` until before `end`."""

    account_id: str
    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if not (_EARLIEST <= self.start < self.end <= _LATEST and self.end - self.start <= LONGEST):
            raise Problem(
                422, "invalid_range", f"`from` must be before `to` by {LONGEST.days} days at most, within 2000 to 2100."
            )

    def where(self, **exact: str) -> Filter:
        """Its deliveries, narrowed to these values."""
        return All(
            Eq("account_id", self.account_id),
            *(Eq(field, value) for field, value in exact.items()),
            Cmp("received_at", ">=", self.start),
            Cmp("received_at", "<", self.end),
        )


@dataclass(frozen=True, slots=True)
class Counted:
    """Deliveries of one mailbox, or of one verdict, by verdict."""

    name: str
    verdicts: Mapping[Verdict, int]

    @property
    def received(self) -> int:
        """Each delivery ends in exactly one verdict, so this is what was received."""
        return sum(self.verdicts.values())

    @property
    def is_exact(self) -> bool:
        """Whether no verdict was counted to its limit."""
        return all(number < EXACT_TO for number in self.verdicts.values())
