"""What agents change about themselves."""

from service_kit.auth import Principal
from tickets.access.passwords import Passwords
from tickets.access.sign_in_limit import SignInLimit
from tickets.people.agent_workflow import AgentWorkflow
from tickets.people.agents import Agent, AgentChange
from tickets.people.people_problems import wrong_password


class OwnProfile:
    """One's own name, and, with the present password, one's own address and password."""

    def __init__(self, agents: AgentWorkflow, passwords: Passwords, limit: SignInLimit) -> None:
        self._agents = agents
        self._passwords = passwords
        self._limit = limit

    async def change(
        self,
        principal: Principal,
        *,
        name: str | None,
        email: str | None,
        password: str | None,
        current_password: str | None,
    ) -> Agent:
        """Change the agent who asks; a stolen session alone changes neither address nor password.

        Raises:
            Problem: `current_password` is needed and wrong, or the address is taken.
        """
        agent = await self._agents.own(principal)
        if email is not None or password is not None:
            await self._require_password(agent, current_password)
        password_hash = None if password is None else await self._passwords.hash(password)
        change = AgentChange(name=name, email=email, password_hash=password_hash)
        return await self._agents.change_own(principal, change)

    async def _require_password(self, agent: Agent, given: str | None) -> None:
        if given is None:
            raise wrong_password()
        await self._limit.begin(agent.id)
        if not await self._passwords.verify(agent.password_hash, given):
            raise wrong_password()
        await self._limit.succeeded(agent.id)
