"""Turning the second factor on and off, and asking for it."""

from collections.abc import Callable
from dataclasses import dataclass

from service_kit.auth import Principal
from service_kit.clock import Clock
from service_kit.docstore import Fate
from service_kit.http.problems import not_found
from service_kit.secret_box import SecretBox
from tickets.access.passwords import Passwords
from tickets.access.sign_in_limit import SignInLimit
from tickets.access.totp import (
    Spent,
    accepted_step,
    begun,
    disabled,
    enabled,
    new_recovery_codes,
    new_secret,
    otpauth_uri,
    recovery_hash,
    spent,
)
from tickets.people.agent_store import AgentStore
from tickets.people.agents import Agent
from tickets.people.people_problems import (
    invalid_credentials,
    session_needed,
    totp_disabled,
    totp_enabled,
    totp_not_begun,
    totp_refused,
    totp_required,
    totp_wrong,
    wrong_password,
)


@dataclass(frozen=True, slots=True)
class BegunTotp:
    """A secret as its owner gets it: the one time it is shown."""

    secret: str
    uri: str


class TotpWorkflow:
    """One-time passwords of agents. A used code is written with compare-and-swap, so that two replicas take it once."""

    def __init__(
        self, agents: AgentStore, secrets: SecretBox, passwords: Passwords, limit: SignInLimit, clock: Clock
    ) -> None:
        self._agents = agents
        self._secrets = secrets
        self._passwords = passwords
        self._limit = limit
        self._clock = clock

    async def begin(self, principal: Principal) -> BegunTotp:
        """Show a new secret, which counts once a code of it is confirmed; begun again, the one before is worthless.

        Raises:
            Problem: an API key asks, or the factor is on (`totp_enabled`).
        """
        secret = new_secret()

        def step(agent: Agent) -> Agent:
            if agent.totp is not None:
                raise totp_enabled()
            return begun(agent, self._secrets.encrypt(secret), self._clock.now())

        agent = await self._change(principal, step)
        return BegunTotp(secret, otpauth_uri(secret, agent.email))

    async def confirm(self, principal: Principal, code: str) -> tuple[str, ...]:
        """Turn the factor on, and give the recovery codes this once.

        Raises:
            Problem: an API key asks, nothing was begun, the code is wrong, or there were too many.
        """
        recovery_codes = new_recovery_codes()

        def step(agent: Agent) -> Agent:
            if agent.totp_pending is None:
                raise totp_not_begun()
            secret = self._secrets.decrypt(agent.totp_pending)
            now = self._clock.now()
            used = accepted_step(secret, code, after=0, now=now)
            if used is None:
                raise totp_refused()
            hashes = tuple(recovery_hash(agent.id, one) for one in recovery_codes)
            return enabled(agent, agent.totp_pending, used, hashes, now)

        who = (await self._own(principal)).id
        await self._limit.begin(who)
        await self._change(principal, step)
        await self._limit.succeeded(who)
        return recovery_codes

    async def disable(self, principal: Principal, password: str, code: str) -> None:
        """Turn the factor off; a stolen session alone cannot.

        Raises:
            Problem: an API key asks, the factor is off, password or code is wrong, or there were too many.
        """
        agent = await self._own(principal)
        await self._limit.begin(agent.id)
        if not await self._passwords.verify(agent.password_hash, password):
            raise wrong_password("password")

        def step(present: Agent) -> Agent:
            if present.totp is None:
                raise totp_disabled()
            if self._spent(present, code) is None:
                raise totp_refused()
            return disabled(present, self._clock.now())

        await self._change(principal, step)
        await self._limit.succeeded(agent.id)

    async def require(self, agent: Agent, code: str | None) -> Spent:
        """Use up the code of somebody who signs in; without the factor none is needed.

        Raises:
            Problem: the code is missing (`totp_required`), or wrong or used already (`totp_wrong`).
        """
        present: Agent | None = agent
        while present is not None and present.totp is not None:
            if code is None:
                raise totp_required()
            outcome = self._spent(present, code)
            if outcome is None:
                raise totp_wrong()
            if await self._agents.replace(outcome.agent) is Fate.DONE:
                return outcome
            present = await self._agents.find(agent.id)
        if present is None:
            raise invalid_credentials()
        return Spent(present, "password")

    def _spent(self, agent: Agent, code: str) -> Spent | None:
        if agent.totp is None:
            return None
        return spent(agent, agent.totp, self._secrets.decrypt(agent.totp.secret), code, self._clock.now())

    async def _own(self, principal: Principal) -> Agent:
        if principal.kind != "agent" or principal.agent_id is None:
            raise session_needed()
        agent = (await self._agents.get_many(principal.account_id, [principal.agent_id])).get(principal.agent_id)
        if agent is None:
            raise not_found("agent")
        return agent

    async def _change(self, principal: Principal, step: Callable[[Agent], Agent]) -> Agent:
        while True:
            after = step(await self._own(principal))
            if await self._agents.replace(after) is Fate.DONE:
                return after
