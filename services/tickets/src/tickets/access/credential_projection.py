"""Who may come in, written to Redis for every service: a projection of agents, sessions and API keys."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from service_kit.auth import Principal
from service_kit.auth.credentials import Credentials
from service_kit.clock import Clock
from tickets.access.api_key_store import ApiKeyStore
from tickets.access.api_keys import key_principal
from tickets.access.session_store import SessionStore
from tickets.access.sessions import session_principal
from tickets.people.account_store import AccountStore
from tickets.people.agent_store import AgentStore


@dataclass(frozen=True, slots=True)
class _Entry:
    """What Redis should say of one token; no principal: nothing."""

    token_hash: str
    principal: Principal | None
    expires_at: datetime | None


class CredentialProjection:
    """Makes Redis say what the store says.

    Every method reads again after writing, and writes again if the store changed meanwhile: a revocation by another
    replica can thus not be overwritten by what was read before it.
    """

    def __init__(
        self,
        accounts: AccountStore,
        agents: AgentStore,
        sessions: SessionStore,
        keys: ApiKeyStore,
        credentials: Credentials,
        clock: Clock,
    ) -> None:
        self._accounts = accounts
        self._agents = agents
        self._sessions = sessions
        self._keys = keys
        self._credentials = credentials
        self._clock = clock

    async def project_agent(self, agent_id: str) -> None:
        """Follow a change of an agent: role, activity, sessions, keys."""
        await self._settle(lambda: self._of_agent(agent_id))

    async def project_session(self, session_id: str) -> bool:
        """Follow a new session; whether it lets its owner in."""
        entries = await self._settle(lambda: self._of_session(session_id))
        return any(entry.principal for entry in entries)

    async def project_key(self, key_id: str) -> None:
        """Follow a new or revoked key."""
        await self._settle(lambda: self._of_key(key_id))

    async def project_logout(self, account_id: str, agent_id: str) -> None:
        """Follow the end of sessions; the router is told when it was the agent's last (A3)."""
        entries = await self._settle(lambda: self._of_agent(agent_id))
        if not any(entry.principal and entry.principal.kind == "agent" for entry in entries):
            await self._credentials.mark_logged_out(account_id, agent_id, self._clock.now())

    async def rebuild(self) -> None:
        """Write everything, for a Redis that has lost it."""
        for account in await self._accounts.every():
            await self._rebuild_account(account.id)

    async def _rebuild_account(self, account_id: str) -> None:
        await self._settle(lambda: self._of_services(account_id))
        for agent in await self._agents.of_account(account_id):
            await self.project_agent(agent.id)

    async def _settle(self, load: Callable[[], Awaitable[Sequence[_Entry]]]) -> Sequence[_Entry]:
        entries = await load()
        while True:
            for entry in entries:
                await self._write(entry)
            written, entries = entries, await load()
            if entries == written:
                return entries

    async def _write(self, entry: _Entry) -> None:
        if entry.principal is None:
            await self._credentials.revoke(entry.token_hash)
        else:
            await self._credentials.put(entry.token_hash, entry.principal, expires_at=entry.expires_at)

    async def _of_agent(self, agent_id: str) -> Sequence[_Entry]:
        now = self._clock.now()
        sessions = await self._sessions.unexpired(agent_id, now)
        keys = await self._keys.of_agent(agent_id)
        agent = await self._agents.find(agent_id)
        return [
            *(_Entry(s.token_hash, session_principal(s, agent, now), s.expires_at) for s in sessions),
            *(_Entry(key.key_hash, key_principal(key, agent), None) for key in keys),
        ]

    async def _of_session(self, session_id: str) -> Sequence[_Entry]:
        session = await self._sessions.find(session_id)
        if session is None:
            return []
        agent = await self._agents.find(session.agent_id)
        principal = session_principal(session, agent, self._clock.now())
        return [_Entry(session.token_hash, principal, session.expires_at)]

    async def _of_key(self, key_id: str) -> Sequence[_Entry]:
        key = await self._keys.find(key_id)
        if key is None:
            return []
        agent = await self._agents.find(key.agent_id) if key.agent_id else None
        return [_Entry(key.key_hash, key_principal(key, agent), None)]

    async def _of_services(self, account_id: str) -> Sequence[_Entry]:
        keys = await self._keys.of_account(account_id)
        return [_Entry(key.key_hash, key_principal(key, None), None) for key in keys if key.agent_id is None]
