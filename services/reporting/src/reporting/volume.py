"""The report on volume: what came in, went out, was closed and came back, by interval. Pure."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from reporting.report_range import IntervalRow, ReportRange
from reporting.traffic import QuarterCount

Counter = Literal["tickets_created", "tickets_reopened", "tickets_closed", "messages_in", "messages_out"]


class VolumeTotals(BaseModel):
    """Counts: of cycles begun and ended, and of messages from customers and to them, automatic texts left out."""

    tickets_created: int = 0
    tickets_reopened: int = 0
    tickets_closed: int = 0
    messages_in: int = 0
    messages_out: int = 0


class VolumeRow(VolumeTotals, IntervalRow):
    """The counts of one interval."""


class Volume:
    """Counts what it is given, by the interval it lies in."""

    def __init__(self, asked: ReportRange) -> None:
        self._asked = asked
        self._counts = [dict.fromkeys(VolumeTotals.model_fields, 0) for _ in asked.starts]

    def add(self, counter: Counter, at: datetime, count: int = 1) -> None:
        """Count something that happened then; outside the range nothing."""
        index = self._asked.index_of(at)
        if index is not None:
            self._counts[index][counter] += count

    def add_traffic(self, at: datetime, count: QuarterCount) -> None:
        """Count the messages of a quarter of an hour."""
        self.add("messages_in", at, count.inbound)
        self.add("messages_out", at, count.outbound)

    def rows(self) -> list[VolumeRow]:
        """One row for each interval, in order."""
        return [
            VolumeRow(start=start, end=end, **counts)
            for (start, end), counts in zip(self._asked.intervals(), self._counts, strict=True)
        ]

    def totals(self) -> VolumeTotals:
        """The sums of the rows."""
        sums = {name: sum(counts[name] for counts in self._counts) for name in VolumeTotals.model_fields}
        return VolumeTotals(**sums)
