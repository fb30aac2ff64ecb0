"""How many open tickets each agent has, by channel (A7). Pure.

The counts live in the assigner, what each ticket adds to them in the ticket's copy, and the two are written one
after the other. So the assigner also notes what it counted of tickets whose copies may not say so yet: however
often an event is delivered, and wherever a crash falls, a ticket is taken out of the counts exactly as it went in.
"""

from collections.abc import Iterable, Mapping

from pydantic import BaseModel, ConfigDict, Field

from contracts.people import Channel
from router.queue.queued_ticket import QueuedTicket


class Counted(BaseModel):
    """What the counts hold of one ticket since its event `seq`; `agent_id` None: nothing."""

    model_config = ConfigDict(frozen=True)

    agent_id: str | None
    seq: int


class Load(BaseModel):
    """The open assigned tickets of an account, by agent and channel.

    `ahead` says of single tickets what is counted, where their copies may still say something older.
    """

    model_config = ConfigDict(frozen=True)

    open: Mapping[str, Mapping[Channel, int]] = Field(default_factory=dict)
    ahead: Mapping[str, Counted] = Field(default_factory=dict)

    def of(self, agent_id: str) -> Mapping[Channel, int]:
        """The counts of one agent."""
        return self.open.get(agent_id, {})

    def moved(self, before: QueuedTicket | None, after: QueuedTicket) -> "Load":
        """The load after a ticket changed hands, was opened or closed; the same if it counts where it did."""
        known = self.ahead.get(after.ticket_id)
        counted = known.agent_id if known else before.counts_for if before else None
        if counted == after.counts_for:
            return self
        counts = dict(self.open)
        for agent_id, step in ((counted, -1), (after.counts_for, 1)):
            if agent_id is not None:
                counts[agent_id] = _stepped(counts.get(agent_id, {}), after.channel, step)
        noted = Counted(agent_id=after.counts_for, seq=after.seq)
        open_ones = {agent_id: of_agent for agent_id, of_agent in counts.items() if of_agent}
        # A copy: validating all counts and notes again for each of many tickets would cost the square of their number.
        return self.model_copy(update={"open": open_ones, "ahead": {**self.ahead, after.ticket_id: noted}})

    def caught_up(self, copies: Mapping[str, QueuedTicket], *, but: Iterable[str]) -> "Load":
        """Without the notes on tickets whose stored copies say the same by now; those in `but` are being changed."""
        kept = {
            ticket_id: noted
            for ticket_id, noted in self.ahead.items()
            if ticket_id in but or ticket_id not in copies or copies[ticket_id].seq < noted.seq
        }
        return self.model_copy(update={"ahead": kept})


def _stepped(counts: Mapping[Channel, int], channel: Channel, step: int) -> dict[Channel, int]:
    """The counts of one agent after one more or less; what is nothing is left out."""
    changed = {**counts, channel: counts.get(channel, 0) + step}
    return {one: count for one, count in changed.items() if count > 0}
