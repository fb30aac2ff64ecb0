"""`/v1/agents`: the people who answer."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends, Query, status
from pydantic import BaseModel, ConfigDict

from contracts.people import Role
from service_kit.auth import Authenticated, Permission, Principal, requires
from service_kit.http.audited import Act, audited
from service_kit.http.idempotency import IdempotencyKey
from service_kit.http.pages import Cursor, Limit, PageOf
from service_kit.http.routes import Routes
from tickets.access.passwords import GivenPassword, NewPassword, Passwords
from tickets.people.agent_workflow import AgentWorkflow
from tickets.people.agents import Agent, AgentChange, AgentName, NewPerson
from tickets.people.email_address import EmailAddress
from tickets.people.own_profile import OwnProfile

Reader = Annotated[Principal, Depends(requires(Permission.TICKETS_READ))]
Manager = Annotated[Principal, Depends(requires(Permission.AGENTS_MANAGE))]


class NewAgent(BaseModel):
    """Somebody to add."""

    model_config = ConfigDict(extra="forbid")

    name: AgentName
    email: EmailAddress
    role: Role
    password: NewPassword


class AgentPatch(BaseModel):
    """What to change; what is absent stays. A new password ends the agent's sessions."""

    model_config = ConfigDict(extra="forbid")

    name: AgentName | None = None
    email: EmailAddress | None = None
    role: Role | None = None
    password: NewPassword | None = None


class OwnPatch(BaseModel):
    """What to change about oneself; `email` and `password` need `current_password`."""

    model_config = ConfigDict(extra="forbid")

    name: AgentName | None = None
    email: EmailAddress | None = None
    password: NewPassword | None = None
    current_password: GivenPassword | None = None


class AgentView(BaseModel):
    """An agent as the API shows one; `active` is false for those who left, `totp_enabled` with a second factor."""

    id: str
    name: str
    email: str
    role: Role
    active: bool
    totp_enabled: bool
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, agent: Agent) -> "AgentView":
        """The public side of the document."""
        return cls(
            id=agent.id,
            name=agent.name,
            email=agent.email,
            role=agent.role,
            active=agent.active,
            totp_enabled=agent.totp is not None,
            created_at=agent.created_at,
            updated_at=agent.updated_at,
        )


def agents_router(workflow: AgentWorkflow, profile: OwnProfile, passwords: Passwords) -> Routes:
    """The routes."""
    router = Routes("/v1/agents", tags=["people"])

    @router.get("")
    async def list_agents(
        principal: Reader,
        departed: Annotated[bool, Query(description="Also those who left.")] = False,  # noqa: FBT002 - a query
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> PageOf[AgentView]:
        """Agents of this account."""
        page = await workflow.page(principal.account_id, departed=departed, limit=limit, cursor=cursor)
        return PageOf(items=[AgentView.of(agent) for agent in page.items], next_cursor=page.next_cursor)

    @router.post("", status_code=status.HTTP_201_CREATED)
    async def add_agent(
        principal: Manager,
        new: NewAgent,
        request_id: IdempotencyKey,
        act: Annotated[Act, audited("agent.created")],
    ) -> AgentView:
        """Add an agent, who can sign in at once."""
        password_hash = await passwords.hash(new.password)
        person = NewPerson(name=new.name, email=new.email, role=new.role, password_hash=password_hash)
        agent = await workflow.create(principal, person, request_id)
        act.target_id, act.details["role"] = agent.id, agent.role
        return AgentView.of(agent)

    @router.get("/me")
    async def show_me(principal: Authenticated) -> AgentView:
        """The agent who asks."""
        return AgentView.of(await workflow.own(principal))

    @router.patch("/me")
    async def change_me(
        principal: Authenticated, patch: OwnPatch, act: Annotated[Act, audited("agent.changed")]
    ) -> AgentView:
        """Change one's own name, address or password; a new password ends all one's sessions, this one too."""
        act.target_id = principal.agent_id
        return AgentView.of(
            await profile.change(
                principal,
                name=patch.name,
                email=patch.email,
                password=patch.password,
                current_password=patch.current_password,
            )
        )

    @router.get("/{agent_id}")
    async def show_agent(principal: Reader, agent_id: str) -> AgentView:
        """One agent."""
        return AgentView.of(await workflow.get(principal.account_id, agent_id))

    @router.patch("/{agent_id}")
    async def change_agent(
        principal: Manager, agent_id: str, patch: AgentPatch, act: Annotated[Act, audited("agent.changed")]
    ) -> AgentView:
        """Change an agent."""
        if patch.role is not None:
            act.details["role"] = patch.role
        password_hash = None if patch.password is None else await passwords.hash(patch.password)
        change = AgentChange(name=patch.name, email=patch.email, role=patch.role, password_hash=password_hash)
        return AgentView.of(await workflow.change(principal, agent_id, change))

    @router.delete("/{agent_id}", status_code=status.HTTP_204_NO_CONTENT)
    async def remove_agent(principal: Manager, agent_id: str, _act: Annotated[Act, audited("agent.removed")]) -> None:
        """Let an agent leave: sessions and keys end at once, the name stays for the history."""
        await workflow.remove(principal, agent_id)

    @router.delete("/{agent_id}/sessions", status_code=status.HTTP_204_NO_CONTENT)
    async def end_sessions(
        principal: Manager, agent_id: str, _act: Annotated[Act, audited("agent.sessions_ended")]
    ) -> None:
        """Sign an agent out everywhere, in every service at once; their API keys go on."""
        await workflow.end_sessions(principal, agent_id)

    return router
