"""Authentication and permission as FastAPI dependencies."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import HTTPConnection

from service_kit.auth.bearer import bearer_token
from service_kit.auth.credentials import Credentials
from service_kit.auth.permissions import Permission
from service_kit.auth.principal import Principal
from service_kit.clock import Clock
from service_kit.problem import Problem

_bearer = HTTPBearer(auto_error=False, description="A session token or an API key.")


class Authentication:
    """Finds out who asks. One per application, at `app.state.authentication`."""

    def __init__(self, credentials: Credentials, clock: Clock) -> None:
        self._credentials = credentials
        self._clock = clock

    async def identify(self, header: str | None) -> Principal | None:
        """Who the `Authorization` header speaks for; an agent's session counts as seen (A3)."""
        token = bearer_token(header)
        principal = await self._credentials.find(token) if token is not None else None
        if principal is not None:
            await self._credentials.seen(principal, self._clock.now())
        return principal


async def authenticate(
    connection: HTTPConnection,
    _documented: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Principal:
    """The caller, whatever it may do.

    Raises:
        Problem: 401 `unauthenticated`.
    """
    authentication: Authentication = connection.app.state.authentication
    principal = await authentication.identify(connection.headers.get("authorization"))
    if principal is None:
        raise Problem(
            401, "unauthenticated", "A valid session or API key is needed.", headers={"WWW-Authenticate": "Bearer"}
        )
    connection.state.principal = principal
    return principal


Authenticated = Annotated[Principal, Depends(authenticate)]
"""A parameter for routes that need a caller but no permission, such as one's own profile."""


@dataclass(frozen=True, slots=True)
class Requires:
    """The dependency that `requires` makes; a walk over the routes finds the permission on it."""

    permission: Permission

    async def __call__(self, principal: Authenticated) -> Principal:
        """The caller, if it may."""
        if not principal.may(self.permission):
            wanted = self.permission
            raise Problem(403, "forbidden", f"This needs the permission {wanted}.", permission=wanted)
        return principal


def requires(permission: Permission) -> Requires:
    """A dependency that yields the caller if it has the permission.

    It raises the Problems 401 `unauthenticated` and 403 `forbidden`.
    """
    return Requires(permission)
