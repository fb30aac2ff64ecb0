"""The report on first response: how long customers waited, by the interval in which they were answered. Pure."""

from collections.abc import Sequence

from pydantic import BaseModel

from reporting.first_response import FirstResponse
from reporting.percentiles import summarise
from reporting.report_range import IntervalRow, ReportRange


class ResponseTotals(BaseModel):
    """How many first responses were given and how long they took; null where none was.

    `wall`: all time since the cycle opened. `business`: only what lay within office hours.
    """

    count: int
    wall_mean_seconds: float | None
    wall_median_seconds: float | None
    wall_p90_seconds: float | None
    wall_p95_seconds: float | None
    business_mean_seconds: float | None
    business_median_seconds: float | None
    business_p90_seconds: float | None
    business_p95_seconds: float | None


class ResponseRow(ResponseTotals, IntervalRow):
    """The figures of one interval."""


class ResponseTimes:
    """Gathers first responses by the interval they were given in."""

    def __init__(self, asked: ReportRange) -> None:
        self._asked = asked
        self._responses: list[list[FirstResponse]] = [[] for _ in asked.starts]

    def add(self, response: FirstResponse) -> None:
        """Take a response; outside the range nothing."""
        index = self._asked.index_of(response.at)
        if index is not None:
            self._responses[index].append(response)

    def rows(self) -> list[ResponseRow]:
        """One row for each interval, in order."""
        return [
            ResponseRow(start=start, end=end, **_figures(responses).model_dump())
            for (start, end), responses in zip(self._asked.intervals(), self._responses, strict=True)
        ]

    def totals(self) -> ResponseTotals:
        """The figures of all responses together."""
        return _figures([response for responses in self._responses for response in responses])


def _figures(responses: Sequence[FirstResponse]) -> ResponseTotals:
    wall = summarise(response.wall_seconds for response in responses)
    business = summarise(response.business_seconds for response in responses)
    return ResponseTotals(
        count=len(responses),
        wall_mean_seconds=wall.mean,
        wall_median_seconds=wall.median,
        wall_p90_seconds=wall.p90,
        wall_p95_seconds=wall.p95,
        business_mean_seconds=business.mean,
        business_median_seconds=business.median,
        business_p90_seconds=business.p90,
        business_p95_seconds=business.p95,
    )
