"""Decisions as they are kept to be explained (A9). Pure; no I/O."""

from contracts.envelope import UtcDatetime
from contracts.routing import AssignmentDecided, Candidate, LosingTeam, MatchedBy
from service_kit.docstore import CollectionSpec, Document, Index


class DecisionRecord(Document):
    """One automatic decision; its id is the decision's, so that keeping it twice keeps it once."""

    account_id: str
    ticket_id: str
    at: UtcDatetime
    rule: str
    chosen: str | None
    team_id: str | None
    assignment_epoch: int
    candidates: tuple[Candidate, ...]
    losing_teams: tuple[LosingTeam, ...]
    schedule_version: int | None
    schedule_id: str | None = None
    matched_by: MatchedBy | None = None
    overflowed_from: tuple[str, ...] = ()
    returned_from: str | None = None


DECISIONS = CollectionSpec(
    name="decisions",
    model=DecisionRecord,
    indexes=(Index(("account_id", "ticket_id", "at")),),
)


def decision_record(decision: AssignmentDecided) -> DecisionRecord:
    """What is kept of a decision."""
    return DecisionRecord(
        id=decision.id,
        account_id=decision.account_id,
        ticket_id=decision.ticket_id,
        at=decision.time,
        rule=decision.rule,
        chosen=decision.agent_id,
        team_id=decision.team_id,
        assignment_epoch=decision.assignment_epoch,
        candidates=decision.candidates,
        losing_teams=decision.losing_teams,
        schedule_version=decision.schedule_version,
        schedule_id=decision.schedule_id,
        matched_by=decision.matched_by,
        overflowed_from=decision.overflowed_from,
        returned_from=decision.returned_from,
    )
