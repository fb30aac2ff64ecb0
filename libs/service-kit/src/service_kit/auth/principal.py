"""Who is asking: the outcome of authentication."""

from dataclasses import dataclass
from typing import Literal

from contracts.people import Actor, Role
from service_kit.auth.permissions import EVERY_SCOPE, ROLE_PERMISSIONS, Permission

PrincipalKind = Literal["agent", "service"]
"""`agent`: a person's session. `service`: an API key, whether it acts for an agent or not."""


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller of one account.

    A `service` may carry the `agent_id` it acts for and the `role` it is limited by; without a role its scopes
    are the only limit. An `agent` always has both.
    """

    account_id: str
    kind: PrincipalKind
    agent_id: str | None
    role: Role | None
    scopes: frozenset[str]
    credential_id: str

    def __post_init__(self) -> None:
        """Refuse a session that belongs to nobody."""
        if self.kind == "agent" and (self.agent_id is None or self.role is None):
            raise ValueError("a session needs the agent it belongs to and the agent's role")

    def may(self, permission: Permission) -> bool:
        """Whether both the scopes and the role, where there is one, allow it."""
        in_scope = EVERY_SCOPE in self.scopes or permission in self.scopes
        return in_scope and (self.role is None or permission in ROLE_PERMISSIONS[self.role])

    @property
    def actor(self) -> Actor:
        """Who the history names: the agent, also where a key acts for one; else the key."""
        if self.agent_id is not None:
            return Actor(kind="agent", id=self.agent_id)
        return Actor(kind="service", id=self.credential_id)
