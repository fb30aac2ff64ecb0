"""`/v1/agents/me/totp`: one-time passwords as a second factor."""

from typing import Annotated

from fastapi import Depends, status
from pydantic import BaseModel, ConfigDict

from service_kit.auth import Authenticated, Permission, Principal, requires
from service_kit.http.audited import Act, audited
from service_kit.http.routes import Routes
from tickets.access.passwords import GivenPassword
from tickets.access.totp import GivenCode
from tickets.access.totp_workflow import TotpWorkflow
from tickets.people.agent_workflow import AgentWorkflow


class TotpBegun(BaseModel):
    """The secret, shown this once, and the same as an authenticator application reads it."""

    secret: str
    otpauth_uri: str


class TotpConfirmation(BaseModel):
    """A code of the secret that was shown."""

    model_config = ConfigDict(extra="forbid")

    code: GivenCode


class TotpConfirmed(BaseModel):
    """Codes for the day the authenticator is lost, shown this once; each is good for one sign-in."""

    recovery_codes: list[str]


class TotpRemoval(BaseModel):
    """The present password, and a code of the authenticator or to recover with."""

    model_config = ConfigDict(extra="forbid")

    password: GivenPassword
    code: GivenCode


def totp_router(totp: TotpWorkflow, agents: AgentWorkflow) -> Routes:
    """The routes."""
    router = Routes("/v1/agents", tags=["people"])

    @router.post("/me/totp", status_code=status.HTTP_201_CREATED)
    async def begin_totp(principal: Authenticated, act: Annotated[Act, audited("totp.begun")]) -> TotpBegun:
        """Show a secret; signing in needs its codes once one of them is confirmed."""
        act.target_id = principal.agent_id
        shown = await totp.begin(principal)
        return TotpBegun(secret=shown.secret, otpauth_uri=shown.uri)

    @router.post("/me/totp/confirm")
    async def confirm_totp(
        principal: Authenticated, given: TotpConfirmation, act: Annotated[Act, audited("totp.enabled")]
    ) -> TotpConfirmed:
        """Turn the second factor on."""
        act.target_id = principal.agent_id
        return TotpConfirmed(recovery_codes=list(await totp.confirm(principal, given.code)))

    @router.delete("/me/totp", status_code=status.HTTP_204_NO_CONTENT)
    async def remove_totp(
        principal: Authenticated, given: TotpRemoval, act: Annotated[Act, audited("totp.disabled")]
    ) -> None:
        """Turn the second factor off."""
        act.target_id = principal.agent_id
        await totp.disable(principal, given.password, given.code)

    @router.delete("/{agent_id}/totp", status_code=status.HTTP_204_NO_CONTENT)
    async def reset_totp(
        principal: Annotated[Principal, Depends(requires(Permission.AGENTS_MANAGE))],
        agent_id: str,
        _act: Annotated[Act, audited("agent.totp_reset")],
    ) -> None:
        """Turn off the second factor of somebody who lost theirs."""
        await agents.reset_totp(principal, agent_id)

    return router
