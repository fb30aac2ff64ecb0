"""Which cycles a report counts. Pure."""

from dataclasses import dataclass

from contracts.people import Channel
from reporting.cycles import Cycle
from reporting.handovers import Handover


@dataclass(frozen=True, slots=True)
class ReportFilter:
    """What was asked for; None asks nothing."""

    channel: Channel | None = None
    team_id: str | None = None
    agent_id: str | None = None
    tag: str | None = None

    @property
    def needs_cycles(self) -> bool:
        """Whether more must be known than the channel."""
        return any(wanted is not None for wanted in (self.team_id, self.agent_id, self.tag))

    def takes(self, cycle: Cycle | Handover, agent_id: str | None) -> bool:
        """Whether the cycle or handover counts, `agent_id` being who is asked about: assignee, or who answered."""
        return (
            self.channel in {None, cycle.channel}
            and self.team_id in {None, cycle.team_id}
            and self.agent_id in {None, agent_id}
            and (self.tag is None or self.tag in cycle.tags)
        )
