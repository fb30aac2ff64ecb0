"""`/v1/sessions`: people sign in and out."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends, Header, status
from pydantic import BaseModel, ConfigDict, Field

from contracts.people import Role
from service_kit.auth import Authenticated
from service_kit.http.address_limit import AddressLimit
from service_kit.http.audited import Act, audited
from service_kit.http.pages import Cursor, Limit, PageOf
from service_kit.http.routes import Routes
from tickets.access.passwords import GivenPassword
from tickets.access.session_workflow import SessionWorkflow
from tickets.access.sign_in_workflow import Attempt, SignedIn, SignInWorkflow
from tickets.access.totp import GivenCode
from tickets.people.agent_workflow import AgentWorkflow

_MAX_DEVICE_CHARACTERS = 200
_OF_ONE_ADDRESS = AddressLimit("sign-in", most=600, seconds=60)
"""A large office behind one address signs in within a minute; whoever tries passwords of many people is slowed down."""


class SignIn(BaseModel):
    """Who wants to sign in; `totp` is a one-time code, or one to recover with, where the agent needs one.

    `device_token` of an earlier sign-in keeps this device from being locked out by others who guess.
    """

    model_config = ConfigDict(extra="forbid")

    email: Annotated[str, Field(max_length=320)]
    password: GivenPassword
    totp: GivenCode | None = None
    device_token: Annotated[str | None, Field(pattern=r"^[A-Za-z0-9_.]{1,200}$")] = None


class SignedInAgent(BaseModel):
    """Who signed in."""

    id: str
    account_id: str
    name: str
    email: str
    role: Role


class SessionStarted(BaseModel):
    """The session's token, shown this once, and what this device gives with its next sign-in."""

    token: str
    device_token: str
    expires_at: datetime
    agent: SignedInAgent


class SessionView(BaseModel):
    """One of one's own sessions; `last_seen_at` is right to ten seconds."""

    id: str
    device: str
    created_at: datetime
    last_seen_at: datetime | None
    expires_at: datetime
    current: bool


def sessions_router(sign_ins: SignInWorkflow, workflow: SessionWorkflow, agents: AgentWorkflow) -> Routes:
    """The routes."""
    router = Routes("/v1/sessions", tags=["people"])

    @router.post("", status_code=status.HTTP_201_CREATED, dependencies=[Depends(_OF_ONE_ADDRESS)])
    async def sign_in(given: SignIn, user_agent: Annotated[str, Header()] = "") -> SessionStarted:
        """Sign in with e-mail and password; the token lasts 30 days at most."""
        device = user_agent[:_MAX_DEVICE_CHARACTERS]
        return _started(await sign_ins.sign_in(Attempt(**given.model_dump(), device=device)))

    @router.get("")
    async def list_sessions(principal: Authenticated, limit: Limit = 50, cursor: Cursor = None) -> PageOf[SessionView]:
        """Where one is signed in."""
        page = await workflow.mine(principal, limit=limit, cursor=cursor)
        seen = await workflow.last_used(page)
        views = [
            SessionView(
                **session.model_dump(include={"id", "device", "created_at", "expires_at"}),
                last_seen_at=seen.get(session.id),
                current=session.id == principal.credential_id,
            )
            for session in page.items
        ]
        return PageOf(items=views, next_cursor=page.next_cursor)

    @router.delete("", status_code=status.HTTP_204_NO_CONTENT)
    async def sign_out_everywhere(
        principal: Authenticated, act: Annotated[Act, audited("agent.sessions_ended")]
    ) -> None:
        """Sign out on every device, this one too: in every service from now on."""
        act.target_id = principal.agent_id
        await agents.end_own_sessions(principal)

    @router.delete("/current", status_code=status.HTTP_204_NO_CONTENT)
    async def sign_out(principal: Authenticated, act: Annotated[Act, audited("session.ended")]) -> None:
        """Sign out: the token is worthless in every service from now on."""
        act.target_id = principal.credential_id
        await workflow.sign_out(principal)

    return router


def _started(signed_in: SignedIn) -> SessionStarted:
    agent = signed_in.agent
    return SessionStarted(
        token=signed_in.token,
        device_token=signed_in.device_token,
        expires_at=signed_in.session.expires_at,
        agent=SignedInAgent(
            id=agent.id, account_id=agent.account_id, name=agent.name, email=agent.email, role=agent.role
        ),
    )
