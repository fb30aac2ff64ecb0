"""Signing in and out."""

from dataclasses import dataclass

from contracts.ids import new_id
from service_kit.auth import Principal
from service_kit.auth.credentials import hash_token
from service_kit.clock import Clock
from service_kit.docstore import Fate
from tickets.agent_store import AgentStore
from tickets.agents import Agent
from tickets.credential_projection import CredentialProjection
from tickets.passwords import Passwords
from tickets.people_problems import invalid_credentials, session_needed
from tickets.session_store import SessionStore
from tickets.sessions import SESSION_LIFE, Session
from tickets.sign_in_limit import SignInLimit
from tickets.tokens import new_token


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session as its owner gets it: the one time its token is known."""

    token: str
    session: Session
    agent: Agent


class SessionWorkflow:
    """Sessions, from the password to the logout that holds everywhere at once."""

    def __init__(
        self,
        agents: AgentStore,
        sessions: SessionStore,
        projection: CredentialProjection,
        passwords: Passwords,
        limit: SignInLimit,
        clock: Clock,
    ) -> None:
        self._agents = agents
        self._sessions = sessions
        self._projection = projection
        self._passwords = passwords
        self._limit = limit
        self._clock = clock

    async def sign_in(self, email: str, password: str) -> SignedIn:
        """Begin a session.

        Raises:
            Problem: the address or the password is wrong, or there were too many attempts.
        """
        login = email.strip().lower()
        await self._limit.begin(login)
        agent = await self._agents.by_login(login)
        matches = await self._passwords.verify(agent.password_hash if agent else None, password)
        if agent is None or not matches:
            raise invalid_credentials()
        await self._limit.succeeded(login)
        return await self._begin(agent)

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

    async def _begin(self, agent: Agent) -> SignedIn:
        now = self._clock.now()
        token = new_token("ses")
        session = Session(
            id=new_id("ses"),
            account_id=agent.account_id,
            agent_id=agent.id,
            token_hash=hash_token(token),
            epoch=agent.session_epoch,
            created_at=now,
            expires_at=now + SESSION_LIFE,
        )
        await self._sessions.insert(session)
        if not await self._projection.project_session(session.id):
            raise invalid_credentials()
        return SignedIn(token, session, agent)
