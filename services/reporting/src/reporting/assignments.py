"""The report on assignments: who was given tickets, by whom, and what came back, by interval and by agent. Pure."""

from collections import Counter

from pydantic import BaseModel

from reporting.handovers import Handover
from reporting.report_range import IntervalRow, ReportRange


class AssignmentTotals(BaseModel):
    """Counts of handovers. The last two came back to the queue: not answered in time, or their agent left."""

    assigned_automatically: int = 0
    assigned_by_hand: int = 0
    not_answered: int = 0
    agent_left: int = 0


class AssignmentRow(AssignmentTotals, IntervalRow):
    """The counts of one interval."""


class AgentRow(AssignmentTotals):
    """The counts of one agent over the whole range."""

    agent_id: str


class Assignments:
    """Counts the handovers it is given, by the interval they lie in and by agent."""

    def __init__(self, asked: ReportRange) -> None:
        self._asked = asked
        self._counts: list[Counter[str]] = [Counter() for _ in asked.starts]
        self._agents: dict[str, Counter[str]] = {}

    def add(self, handover: Handover) -> None:
        """Count one; outside the range nothing."""
        index = self._asked.index_of(handover.at)
        if index is not None:
            self._counts[index][handover.kind] += 1
            self._agents.setdefault(handover.agent_id, Counter())[handover.kind] += 1

    def rows(self) -> list[AssignmentRow]:
        """One row for each interval, in order."""
        return [
            AssignmentRow(start=start, end=end, **counts)
            for (start, end), counts in zip(self._asked.intervals(), self._counts, strict=True)
        ]

    def agents(self) -> list[AgentRow]:
        """One row for each agent who was given or lost any, by id."""
        return [AgentRow(agent_id=agent_id, **counts) for agent_id, counts in sorted(self._agents.items())]

    def totals(self) -> AssignmentTotals:
        """The sums of the rows."""
        sums: Counter[str] = sum(self._counts, Counter())
        return AssignmentTotals(**sums)
