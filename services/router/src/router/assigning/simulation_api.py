"""`/v1/assignment/simulate`: who would get this, and why, without acting."""

from datetime import datetime
from typing import Annotated, Self

from fastapi import Depends
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from contracts.people import Channel
from contracts.routing import Candidate, LosingTeam
from router.assigning.simulation import DescribedTicket, Simulated, Simulation
from service_kit.auth import Permission, Principal, requires
from service_kit.http.routes import Routes

_DESCRIBED = ("channel", "tags", "contact_id", "segments", "team_id")

Id = Annotated[str, Field(min_length=1, max_length=100)]
Tags = Annotated[tuple[Annotated[str, Field(max_length=100)], ...], Field(max_length=200)]
Segments = Annotated[tuple[Annotated[str, Field(max_length=200)], ...], Field(max_length=200)]

Reader = Annotated[Principal, Depends(requires(Permission.TICKETS_READ))]


class Question(BaseModel):
    """A ticket that there is, by `ticket_id`, or one that is described by everything else."""

    model_config = ConfigDict(extra="forbid")

    ticket_id: Id | None = None
    channel: Channel = "email"
    tags: Tags = ()
    contact_id: Id | None = Field(default=None, description="Whose segments count, unless `segments` are given.")
    segments: Segments | None = None
    team_id: Id | None = Field(default=None, description="As if a person had given it to this team.")
    at: AwareDatetime | None = Field(
        default=None, description="The moment whose office hours count; now if left out. Agents are as they are now."
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.ticket_id is not None and self.model_fields_set & set(_DESCRIBED):
            raise ValueError("give ticket_id, or a description of a ticket, not both")
        return self


class Answer(BaseModel):
    """What would be decided if the ticket's turn came at that moment; nothing was."""

    at: datetime
    rule: str = Field(
        description="As of a decision; or left_to_people (no automatic assignment of such tickets), or not_waiting"
        " (assigned, being assigned, not open, or held by a person)."
    )
    chosen: str | None
    team_id: str
    candidates: list[Candidate]
    losing_teams: list[LosingTeam]
    overflowed_from: list[str] = Field(description="Teams it would have waited for too long, in order.")
    schedule_version: int | None


def simulation_router(simulation: Simulation) -> Routes:
    """The routes."""
    router = Routes("/v1/assignment", tags=["assignment"])

    @router.post("/simulate")
    async def simulate(question: Question, principal: Reader) -> Answer:
        """Who would get this ticket, and why; nobody is assigned and nothing is kept."""
        if question.ticket_id is not None:
            return _answer(await simulation.of_ticket(principal.account_id, question.ticket_id, question.at))
        described = DescribedTicket(
            channel=question.channel,
            tags=question.tags,
            contact_id=question.contact_id,
            segments=question.segments,
            team_id=question.team_id,
        )
        return _answer(await simulation.of_described(principal.account_id, described, question.at))

    return router


def _answer(simulated: Simulated) -> Answer:
    found = simulated.appraisal
    return Answer(
        at=simulated.at,
        rule=found.rule if simulated.is_waiting else "not_waiting",
        chosen=found.chosen if simulated.is_waiting else None,
        team_id=found.team.id,
        candidates=list(found.candidates),
        losing_teams=list(found.route.losing_teams),
        overflowed_from=list(found.passed),
        schedule_version=simulated.schedule_version,
    )
