"""`/v1/agents/me/availability` and `/v1/availability`: who can be given tickets now."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import Depends
from pydantic import BaseModel, ConfigDict, Field

from contracts.settings import AgentDirectory, AssignmentSettings
from router.availability import Availability, DeclaredBy
from router.availability_store import AvailabilityStore
from router.availability_workflow import AvailabilityWorkflow
from router.problems import only_for_oneself
from service_kit.auth import Permission, Principal, requires
from service_kit.http.routes import Routes
from service_kit.settings_area import SettingsArea
from service_kit.settings_copies import SettingsCopies


class Switch(BaseModel):
    """The switch as its agent wants it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    online: bool


class AgentAvailability(BaseModel):
    """One agent; `since` and `declared_by` are null while they never touched the switch."""

    agent_id: str
    online: bool
    since: datetime | None = None
    declared_by: DeclaredBy | None = None


class AvailabilityList(BaseModel):
    """Every agent. `switch` says whether availability counts, so whether to show a switch: round robin is on."""

    items: list[AgentAvailability]
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
            raise only_for_oneself()
        return await set_own_availability(wanted, principal)

    @router.get("/availability")
    async def list_availability(
        principal: Annotated[Principal, Depends(requires(Permission.TICKETS_READ))],
    ) -> AvailabilityList:
        """Who is online."""
        agents = await copies.get(principal.account_id, "agents", AgentDirectory)
        switches = await store.of_account(principal.account_id)
        assignment = await settings.get(principal.account_id)
        return AvailabilityList(items=_everybody(agents, switches), switch=assignment.round_robin)

    return router


def _everybody(agents: AgentDirectory, switches: Sequence[Availability]) -> list[AgentAvailability]:
    """Every agent who works here, by id."""
    known = {switch.agent_id: _shown(switch) for switch in switches}
    active = sorted(agent.id for agent in agents.agents.values() if agent.active)
    return [known.get(agent_id) or AgentAvailability(agent_id=agent_id, online=False) for agent_id in active]


def _shown(availability: Availability) -> AgentAvailability:
    return AgentAvailability(
        agent_id=availability.agent_id,
        online=availability.online,
        since=availability.since,
        declared_by=availability.declared_by,
    )
