"""The assigner of an account: the one document whose compare-and-swap is the act of deciding. Pure; no I/O."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict, Field

from contracts.envelope import UtcDatetime
from contracts.ids import derive_id
from contracts.people import Channel
from router.assigning.load import Load
from router.assigning.rotation import Rotation
from service_kit.docstore import CollectionSpec, Index
from service_kit.outbox import Outboxed
from service_kit.timers import Timed

HOURS_OPEN = "hours_open"
"""The due time at which the office opens next, while it is closed."""

IN_FLIGHT_LIMIT = 200
"""Decisions that tickets may owe an answer; what waits beyond them is decided as answers come in."""

ANSWERED_WITHIN = timedelta(minutes=10)
"""No answer comes about a ticket that was purged meanwhile: after so long nobody waits for it any more."""


class Pending(BaseModel):
    """A decision that tickets has neither applied nor refused yet."""

    model_config = ConfigDict(frozen=True)

    ticket_id: str
    epoch: int
    agent_id: str
    channel: Channel
    at: UtcDatetime


class Assigner(Outboxed, Timed):
    """The state of assignment of one account; its id is the account's.

    `decided` counts decisions ever made and is part of each one's id: made again after a crash before this document
    was written it is the same decision, and after any write it can never be. `has_more` says that waiting tickets
    were not all looked at since something changed that may let them be assigned.
    """

    rotation: Rotation = Rotation()
    load: Load = Load()
    pending: Mapping[str, Pending] = Field(default_factory=dict)
    decided: int = 0
    has_more: bool = False

    @property
    def room(self) -> int:
        """How many more decisions may be in flight."""
        return max(0, IN_FLIGHT_LIMIT - len(self.pending))

    def tickets_of_each(self) -> Counter[str]:
        """How many tickets each agent has, those in flight included; whoever has none counts none."""
        open_ones = {agent_id: sum(counts.values()) for agent_id, counts in self.load.open.items()}
        return Counter(open_ones) + Counter(pending.agent_id for pending in self.pending.values())

    def is_deciding(self, ticket_id: str, epoch: int) -> bool:
        """Whether a decision for this ticket is in flight that still holds."""
        return any(one.ticket_id == ticket_id and one.epoch == epoch for one in self.pending.values())

    def decision_id(self, ticket_id: str, epoch: int, *, after: int = 0) -> str:
        """The id of the next decision, or of the one `after` so many more, if it is about this ticket."""
        return derive_id("dec", self.id, ticket_id, str(epoch), str(self.decided + after + 1))

    def with_decision(self, decision_id: str, pending: Pending) -> "Assigner":
        """One more decision is in flight, and the turn of its agent is dealt."""
        return self.with_decisions({decision_id: pending}, self.rotation.dealt(pending.agent_id))

    def with_decisions(self, made: Mapping[str, Pending], rotation: Rotation) -> "Assigner":
        """More decisions are in flight, whose turns have been dealt in `rotation`."""
        pending = {**self.pending, **made}
        return self.model_copy(update={"rotation": rotation, "pending": pending, "decided": self.decided + len(made)})

    def applied(self, decision_id: str | None) -> "Assigner":
        """Tickets applied a decision; nothing changes where it was known already, or was not ours."""
        pending = self.pending.get(decision_id or "")
        return self._answered(decision_id, self.rotation.settled(pending.agent_id)) if pending else self

    def refused(self, decision_id: str | None) -> "Assigner":
        """Tickets refused a decision: its agent has the turn back."""
        pending = self.pending.get(decision_id or "")
        return self._answered(decision_id, self.rotation.given_back(pending.agent_id)) if pending else self

    def without_unanswered(self, now: datetime) -> "Assigner":
        """Decisions nobody will answer any more give their room to others; their turns count as taken."""
        overdue = [one for one, pending in self.pending.items() if now - pending.at > ANSWERED_WITHIN]
        assigner = self
        for decision_id in overdue:
            assigner = assigner.applied(decision_id)
        return assigner

    def _answered(self, decision_id: str | None, rotation: Rotation) -> "Assigner":
        rest = dict(self.pending)
        rest.pop(decision_id or "", None)
        return self.model_copy(update={"rotation": rotation, "pending": rest})


ASSIGNERS = CollectionSpec(
    name="assigners",
    model=Assigner,
    indexes=(Index(("outbox_since",)), Index(("due_at",))),
)
