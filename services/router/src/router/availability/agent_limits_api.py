"""`/v1/availability/{agent_id}`: how much, and what, one agent may be given (A7)."""

from typing import Annotated

from fastapi import Depends
from pydantic import BaseModel, ConfigDict, Field

from contracts.people import Channel
from contracts.settings import Capacity
from router.assigning.assigner_store import AssignerStore
from router.availability.agent_limits import AgentLimits
from router.availability.agent_limits_workflow import AgentLimitsWorkflow
from service_kit.auth import Permission, Principal, requires
from service_kit.http.audited import Act, audited
from service_kit.http.routes import Routes


class LimitsChange(BaseModel):
    """What to change; what is left out stays, null is as if it had never been set."""

    model_config = ConfigDict(extra="forbid")

    capacity: Capacity | None = Field(
        default=None, description="Given whole. Each limit in it replaces the account's; others stay the account's."
    )
    channels: Annotated[tuple[Channel, ...], Field(max_length=3)] | None = Field(
        default=None, description="The channels the agent may be given tickets of; null: all."
    )


class AgentShare(BaseModel):
    """What one agent may be given, and has. By hand an agent can be given more."""

    agent_id: str
    capacity: Capacity = Field(description="The agent's own limits; for what is not named the account's hold.")
    channels: tuple[Channel, ...] | None
    open: dict[Channel, int] = Field(description="Open tickets the agent has.")


def agent_limits_router(workflow: AgentLimitsWorkflow, assigners: AssignerStore) -> Routes:
    """The routes."""
    router = Routes("/v1/availability", tags=["availability"])

    async def shown(limits: AgentLimits) -> AgentShare:
        assigner = await assigners.find(limits.account_id)
        open_ones = dict(assigner.load.of(limits.agent_id)) if assigner else {}
        return AgentShare(agent_id=limits.agent_id, capacity=limits.capacity, channels=limits.channels, open=open_ones)

    @router.get("/{agent_id}")
    async def read_limits(
        agent_id: str, principal: Annotated[Principal, Depends(requires(Permission.TICKETS_READ))]
    ) -> AgentShare:
        """What an agent may be given, and has."""
        return await shown(await workflow.find(principal.account_id, agent_id))

    @router.patch("/{agent_id}")
    async def change_limits(
        agent_id: str,
        change: LimitsChange,
        principal: Annotated[Principal, Depends(requires(Permission.AGENTS_MANAGE))],
        _act: Annotated[Act, audited("agent.limits_changed")],
    ) -> AgentShare:
        """Limit what an agent is given automatically; whoever waits is looked at again."""
        given = {
            "capacity": change.capacity or Capacity(),
            "channels": None if change.channels is None else tuple(dict.fromkeys(change.channels)),
        }
        named = {name: value for name, value in given.items() if name in change.model_fields_set}
        return await shown(await workflow.change(principal.account_id, agent_id, named))

    return router
