"""Signing in: whatever is wrong costs the same work, counts, and is noted."""

from dataclasses import dataclass

from service_kit.problem import Problem
from tickets.access.devices import Devices, counted_as
from tickets.access.passwords import Passwords
from tickets.access.refused_sign_ins import RefusedSignIns
from tickets.access.session_workflow import SessionWorkflow
from tickets.access.sessions import Session
from tickets.access.sign_in_limit import SignInLimit
from tickets.access.tokens import new_token
from tickets.access.totp_workflow import TotpWorkflow
from tickets.people.agent_store import AgentStore
from tickets.people.agents import Agent
from tickets.people.people_problems import invalid_credentials


@dataclass(frozen=True, slots=True)
class Attempt:
    """A try to sign in; `device_token` is what an earlier success gave, `device` what the browser says of itself."""

    email: str
    password: str
    totp: str | None = None
    device_token: str | None = None
    device: str = ""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session as its owner gets it: the one time its token is known."""

    token: str
    device_token: str
    session: Session
    agent: Agent


class SignInWorkflow:
    """From an address, a password and perhaps a code to a session."""

    def __init__(
        self,
        agents: AgentStore,
        passwords: Passwords,
        totp: TotpWorkflow,
        limit: SignInLimit,
        devices: Devices,
        refused: RefusedSignIns,
        sessions: SessionWorkflow,
    ) -> None:
        self._agents = agents
        self._passwords = passwords
        self._totp = totp
        self._limit = limit
        self._devices = devices
        self._refused = refused
        self._sessions = sessions

    async def sign_in(self, attempt: Attempt) -> SignedIn:
        """Begin a session.

        Raises:
            Problem: the address, the password or the one-time code is wrong, or there were too many attempts.
        """
        login = attempt.email.strip().lower()
        try:
            return await self._signed_in(login, attempt)
        except Problem as problem:
            await self._refused.note(login, problem.code)
            raise

    async def _signed_in(self, login: str, attempt: Attempt) -> SignedIn:
        device_id = self._devices.known(login, attempt.device_token)
        await self._limit.begin(counted_as(login, device_id))
        agent = await self._agents.by_login(login)
        matches = await self._passwords.verify(agent.password_hash if agent else None, attempt.password)
        if agent is None or not matches:
            raise invalid_credentials()
        proof = await self._totp.require(agent, attempt.totp)
        await self._limit.succeeded(counted_as(login, device_id))
        token = new_token("ses")
        session = await self._sessions.begin(proof.agent, token, attempt.device, proof.factor)
        return SignedIn(token, self._devices.token(login, device_id), session, proof.agent)
