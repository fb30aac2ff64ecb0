"""`/v1/sessions`: people sign in and out."""

from datetime import datetime
from typing import Annotated

from fastapi import status
from pydantic import BaseModel, ConfigDict, Field

from contracts.people import Role
from service_kit.auth import Authenticated
from service_kit.http.routes import Routes
from tickets.passwords import GivenPassword
from tickets.session_workflow import SessionWorkflow, SignedIn


class SignIn(BaseModel):
    """Who wants to sign in."""

    model_config = ConfigDict(extra="forbid")

    email: Annotated[str, Field(max_length=320)]
    password: GivenPassword


class SignedInAgent(BaseModel):
    """Who signed in."""

    id: str
    account_id: str
    name: str
    email: str
    role: Role


class SessionStarted(BaseModel):
    """The session's token, shown this once."""

    token: str
    expires_at: datetime
    agent: SignedInAgent


def sessions_router(workflow: SessionWorkflow) -> Routes:
    """The routes."""
    router = Routes("/v1/sessions", tags=["people"])

    @router.post("", status_code=status.HTTP_201_CREATED)
    async def sign_in(given: SignIn) -> SessionStarted:
        """Sign in with e-mail and password; the token lasts 30 days at most."""
        return _started(await workflow.sign_in(given.email, given.password))

    @router.delete("/current", status_code=status.HTTP_204_NO_CONTENT)
    async def sign_out(principal: Authenticated) -> None:
        """Sign out: the token is worthless in every service from now on."""
        await workflow.sign_out(principal)

    return router


def _started(signed_in: SignedIn) -> SessionStarted:
    agent = signed_in.agent
    return SessionStarted(
        token=signed_in.token,
        expires_at=signed_in.session.expires_at,
        agent=SignedInAgent(
            id=agent.id, account_id=agent.account_id, name=agent.name, email=agent.email, role=agent.role
        ),
    )
