"""API keys: how services come in, and who may grant what. Pure; no I/O."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Literal

from contracts.people import Role
from service_kit.auth import EVERY_SCOPE, ROLE_PERMISSIONS, Permission, Principal
from service_kit.docstore import CollectionSpec, Document, Index
from tickets.people.agents import Agent

KEYS_PER_ACCOUNT = 500

Scope = Literal["*"] | Permission


class ApiKey(Document):
    """One key.

    It acts for `agent_id`, within that agent's role as it is then; or for nobody, within `role`: that of whoever made
    it. `created_by` is None for the one an account began with. Revoked keys are kept, so that a rebuilt projection
    revokes them again.
    """

    account_id: str
    name: str
    scopes: tuple[str, ...]
    agent_id: str | None
    role: Role
    key_hash: str
    created_at: datetime
    created_by: str | None
    revoked_at: datetime | None = None


API_KEYS = CollectionSpec(
    name="api_keys",
    model=ApiKey,
    indexes=(Index(("account_id", "revoked_at")), Index(("agent_id",))),
)


def key_principal(key: ApiKey, agent: Agent | None) -> Principal | None:
    """Whom the key lets in, if anybody; `agent` is the one it acts for."""
    if key.revoked_at is not None or (key.agent_id is not None and (agent is None or not agent.active)):
        return None
    return Principal(
        account_id=key.account_id,
        kind="service",
        agent_id=key.agent_id,
        role=agent.role if agent else key.role,
        scopes=frozenset(key.scopes),
        credential_id=key.id,
    )


def refused_scopes(scopes: Sequence[Scope], role: Role, may: Callable[[Permission], bool]) -> list[str]:
    """What of `scopes`, within `role`, somebody who `may` only so much cannot grant."""
    everything = EVERY_SCOPE in scopes
    wanted = ROLE_PERMISSIONS[role] if everything else {Permission(scope) for scope in scopes}
    return sorted(permission.value for permission in wanted if not may(permission))
