"""Making and revoking API keys."""

from collections.abc import Sequence
from dataclasses import dataclass

from contracts.ids import new_id
from contracts.people import Role
from service_kit.auth import Principal
from service_kit.auth.credentials import hash_token
from service_kit.clock import Clock
from service_kit.docstore import Fate, Page
from service_kit.http.problems import not_found
from tickets.access.api_key_store import ApiKeyStore
from tickets.access.api_keys import KEYS_PER_ACCOUNT, ApiKey, Scope, refused_scopes
from tickets.access.credential_projection import CredentialProjection
from tickets.access.tokens import new_token
from tickets.people.agent_store import AgentStore
from tickets.people.agents import Agent, outranks_or_equals
from tickets.people.people_problems import role_too_high, scope_too_wide, too_many


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A key as its owner gets it: the one time its token is known."""

    token: str
    key: ApiKey


class ApiKeyWorkflow:
    """API keys, from the grant to the revocation that holds everywhere at once."""

    def __init__(self, agents: AgentStore, keys: ApiKeyStore, projection: CredentialProjection, clock: Clock) -> None:
        self._agents = agents
        self._keys = keys
        self._projection = projection
        self._clock = clock

    async def page(self, account_id: str, *, limit: int, cursor: str | None) -> Page[ApiKey]:
        """Keys of an account that still work."""
        return await self._keys.page(account_id, limit=limit, cursor=cursor)

    async def create(self, by: Principal, *, name: str, scopes: Sequence[Scope], agent_id: str | None) -> IssuedKey:
        """Make a key that acts for an agent, or for nobody.

        Raises:
            Problem: there is no such agent, they rank higher than who asks, the scopes go beyond what who asks may,
                or there are too many keys.
        """
        role = await self._limiting_role(by, agent_id)
        if refused := refused_scopes(scopes, role, by.may):
            raise scope_too_wide(refused)
        if await self._keys.count(by.account_id, at_most=KEYS_PER_ACCOUNT) >= KEYS_PER_ACCOUNT:
            raise too_many("API keys", KEYS_PER_ACCOUNT)
        return await self._issue(by.account_id, name, scopes, agent_id, role, by.agent_id or by.credential_id)

    async def issue_first(self, owner: Agent) -> IssuedKey:
        """Make the key an account begins with; made again, the earlier one works no more."""
        for key in await self._keys.of_agent(owner.id):
            if key.created_by is None:
                await self.revoke(owner.account_id, key.id)
        return await self._issue(owner.account_id, "First key of the owner", ("*",), owner.id, owner.role, None)

    async def revoke(self, account_id: str, key_id: str) -> None:
        """End a key; again changes nothing.

        Raises:
            Problem: this account has none of this id.
        """
        while True:
            key = await self._keys.find(key_id)
            if key is None or key.account_id != account_id:
                raise not_found("API key")
            revoked = key.model_copy(update={"revoked_at": key.revoked_at or self._clock.now()})
            if key.revoked_at is not None or await self._keys.replace(revoked) is Fate.DONE:
                break
        await self._projection.project_key(key_id)

    async def _issue(
        self,
        account_id: str,
        name: str,
        scopes: Sequence[Scope],
        agent_id: str | None,
        role: Role,
        created_by: str | None,
    ) -> IssuedKey:
        token = new_token("dbk")
        key = ApiKey(
            id=new_id("key"),
            account_id=account_id,
            name=name,
            scopes=tuple(sorted({str(scope) for scope in scopes})),
            agent_id=agent_id,
            role=role,
            key_hash=hash_token(token),
            created_at=self._clock.now(),
            created_by=created_by,
        )
        await self._keys.insert(key)
        await self._projection.project_key(key.id)
        return IssuedKey(token, key)

    async def _limiting_role(self, by: Principal, agent_id: str | None) -> Role:
        own = by.role or "support"
        if agent_id is None:
            return own
        agent = (await self._agents.get_many(by.account_id, [agent_id])).get(agent_id)
        if agent is None or not agent.active:
            raise not_found("agent")
        if not outranks_or_equals(own, agent.role):
            raise role_too_high()
        return agent.role
