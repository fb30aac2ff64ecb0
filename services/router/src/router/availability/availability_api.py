"""`/v1/agents/me/availability` and `/v1/availability`: who can be given tickets now."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends
from pydantic import BaseModel, ConfigDict, Field

from contracts.directories import AgentDirectory
from contracts.settings import AssignmentSettings
from router.availability.availability import Availability, Cause, DeclaredBy, Observed, Sighting
from router.availability.availability_store import AvailabilityStore
from router.availability.availability_workflow import AvailabilityWorkflow
from router.problems import only_for_oneself
from service_kit.auth import Permission, Principal, requires
from service_kit.http.pages import Cursor, PageOf
from service_kit.http.problems import not_found
from service_kit.http.routes import Routes
from service_kit.http.whole_lists import WHOLE_LIMIT, WholeLimit, page_of
from service_kit.settings_area import SettingsArea
from service_kit.settings_copies import SettingsCopies


class Switch(BaseModel):
    """The switch as its agent wants it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    online: bool


class AgentAvailability(BaseModel):
    """One agent; what is null was never set. `online` counts: declared so, and not ended by a log-out or lost session.

    What they declared stays as they said it.
    """

    agent_id: str
    online: bool
    since: datetime | None = None
    cause: Cause | None = Field(default=None, description="What set `online` last.")
    declared: bool | None = Field(default=None, description="What the agent said last.")
    declared_at: datetime | None = None
    declared_by: DeclaredBy | None = None


class ObservedAgent(AgentAvailability):
    """One agent, and what is observed of them: any request or open stream of a session of theirs.

    `away` is a short disconnect: they stay online for two minutes since `seen_at`.
    """

    observed: Observed
    seen_at: datetime | None


class AvailabilityList(PageOf[ObservedAgent]):
    """Agents at work. `switch` says whether availability counts, so whether to show a switch: round robin is on."""

    switch: bool = Field(description="Whether round robin is on.")


def availability_router(
    workflow: AvailabilityWorkflow,
    store: AvailabilityStore,
    copies: SettingsCopies,
    settings: SettingsArea[AssignmentSettings],
) -> Routes:
    """The routes."""
    router = Routes("/v1", tags=["availability"])

    @router.put("/agents/me/availability")
    async def set_own_availability(
        wanted: Switch, principal: Annotated[Principal, Depends(requires(Permission.AVAILABILITY_SET))]
    ) -> AgentAvailability:
        """Go online or offline yourself; also while round robin is off, when it changes nothing yet."""
        if principal.agent_id is None:
            raise only_for_oneself()
        declared_by: DeclaredBy = "session" if principal.kind == "agent" else "api_key"
        after = await workflow.declare(
            principal.account_id, principal.agent_id, online=wanted.online, declared_by=declared_by
        )
        return _shown(after)

    @router.put("/agents/{agent_id}/availability")
    async def set_availability(
        agent_id: str,
        wanted: Switch,
        principal: Annotated[Principal, Depends(requires(Permission.AVAILABILITY_SET))],
    ) -> AgentAvailability:
        """Nobody sets the switch of another agent."""
        if principal.agent_id != agent_id:
            agents = await copies.get(principal.account_id, "agents", AgentDirectory)
            raise only_for_oneself() if agent_id in agents.agents else not_found("agent")
        return await set_own_availability(wanted, principal)

    @router.get("/availability")
    async def list_availability(
        principal: Annotated[Principal, Depends(requires(Permission.TICKETS_READ))],
        limit: WholeLimit = WHOLE_LIMIT,
        cursor: Cursor = None,
    ) -> AvailabilityList:
        """Who is online, what everybody declared, and whether they are here; by id."""
        agents = await copies.get(principal.account_id, "agents", AgentDirectory)
        active = (agent.id for agent in agents.agents.values() if agent.active)
        page = page_of(active, lambda agent_id: ("", agent_id), order="agents", limit=limit, cursor=cursor)
        switches = {switch.agent_id: switch for switch in await store.of_account(principal.account_id)}
        sightings = await workflow.observed(principal.account_id, page.items)
        assignment = await settings.get(principal.account_id)
        return AvailabilityList(
            items=[_observed(agent_id, switches.get(agent_id), sightings[agent_id]) for agent_id in page.items],
            next_cursor=page.next_cursor,
            switch=assignment.round_robin,
        )

    return router


def _observed(agent_id: str, switch: Availability | None, sighting: Sighting) -> ObservedAgent:
    shown = _shown(switch) if switch else AgentAvailability(agent_id=agent_id, online=False)
    return ObservedAgent(**shown.model_dump(), observed=sighting.state, seen_at=sighting.at)


def _shown(availability: Availability) -> AgentAvailability:
    return AgentAvailability(
        agent_id=availability.agent_id,
        online=availability.online,
        since=availability.since,
        cause=availability.cause,
        declared=availability.declared_online,
        declared_at=availability.declared_at,
        declared_by=availability.declared_by,
    )
