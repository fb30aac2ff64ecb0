"""Sessions: from their beginning to the logout that holds everywhere at once."""

from collections.abc import Mapping
from datetime import datetime

from contracts.ids import new_id
from service_kit.auth import Principal
from service_kit.auth.credentials import Credentials, hash_token
from service_kit.clock import Clock
from service_kit.docstore import Fate, Page
from tickets.access.credential_projection import CredentialProjection
from tickets.access.session_store import SessionStore
from tickets.access.sessions import SESSION_LIFE, Session, session_principal
from tickets.access.totp import Factor
from tickets.audit.audit_log import AuditLog
from tickets.people.agent_store import AgentStore
from tickets.people.agents import Agent
from tickets.people.people_problems import invalid_credentials, session_needed


class SessionWorkflow:
    """Sessions of people who proved who they are."""

    def __init__(
        self,
        agents: AgentStore,
        sessions: SessionStore,
        projection: CredentialProjection,
        credentials: Credentials,
        audit_log: AuditLog,
        clock: Clock,
    ) -> None:
        self._agents = agents
        self._sessions = sessions
        self._projection = projection
        self._credentials = credentials
        self._audit_log = audit_log
        self._clock = clock

    async def begin(self, agent: Agent, token: str, device: str, factor: Factor) -> Session:
        """Let an agent in who proved who they are; `device` is what their browser says of itself.

        Raises:
            Problem: the agent left, or all their sessions ended, in this very moment.
        """
        now = self._clock.now()
        session = Session(
            id=new_id("ses"),
            account_id=agent.account_id,
            agent_id=agent.id,
            token_hash=hash_token(token),
            epoch=agent.session_epoch,
            device=device,
            created_at=now,
            expires_at=now + SESSION_LIFE,
        )
        who = session_principal(session, agent, now)
        if who is None:
            raise invalid_credentials()
        # Before the session is there: nobody comes in without an entry.
        await self._audit_log.record(who, "session.started", session.id, details={"factor": factor})
        await self._sessions.insert(session)
        if not await self._projection.project_session(session.id):
            raise invalid_credentials()
        return session

    async def mine(self, principal: Principal, *, limit: int, cursor: str | None) -> Page[Session]:
        """The sessions of who asks that still let them in, newest first.

        Raises:
            Problem: an API key asks.
        """
        if principal.kind != "agent" or principal.agent_id is None:
            raise session_needed()
        agent = await self._agents.find(principal.agent_id)
        if agent is None:
            raise invalid_credentials()
        now = self._clock.now()
        return await self._sessions.live(agent.id, agent.session_epoch, now, limit=limit, cursor=cursor)

    async def last_used(self, page: Page[Session]) -> Mapping[str, datetime]:
        """When sessions were last used, to ten seconds."""
        return await self._credentials.last_used([session.id for session in page.items])

    async def sign_out(self, principal: Principal) -> None:
        """End the session that asks; again changes nothing.

        Raises:
            Problem: an API key asks.
        """
        if principal.kind != "agent" or principal.agent_id is None:
            raise session_needed()
        now = self._clock.now()
        while (session := await self._sessions.find(principal.credential_id)) and session.ended_at is None:
            if await self._sessions.replace(session.model_copy(update={"ended_at": now})) is Fate.DONE:
                break
        await self._projection.project_logout(principal.account_id, principal.agent_id)

    async def sweep(self) -> None:
        """Forget sessions that are over; they let nobody in anyway."""
        while await self._sessions.delete_expired(self._clock.now()):
            pass
