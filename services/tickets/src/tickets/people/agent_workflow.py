"""Changing who works here; every change reaches the directory and the projection of credentials."""

from collections.abc import Callable

from contracts.ids import derive_id, new_id
from contracts.people import Role
from service_kit.auth import ROLE_PERMISSIONS, Principal
from service_kit.clock import Clock
from service_kit.crash_points import crash_point
from service_kit.docstore import Fate, Page
from service_kit.http.problems import not_found
from tickets.access.credential_projection import CredentialProjection
from tickets.access.totp import disabled
from tickets.people.account_owners import AccountOwners
from tickets.people.agent_directory import AgentDirectoryPublisher
from tickets.people.agent_store import AgentStore
from tickets.people.agents import (
    AGENTS_PER_ACCOUNT,
    DIRECTORY_BYTES,
    Agent,
    AgentChange,
    NewPerson,
    changed,
    departed,
    fits,
    hired,
    is_owner,
    outranks_or_equals,
    signed_out,
)
from tickets.people.people_problems import (
    agent_needed,
    directory_full,
    email_taken,
    own_credentials,
    role_too_high,
    session_needed,
    too_many,
)


class AgentWorkflow:
    """Agents come, change and leave.

    The agent's document is written first and alone decides; what follows from it is repeated by every further
    request and by every start.
    """

    def __init__(
        self,
        agents: AgentStore,
        owners: AccountOwners,
        directory: AgentDirectoryPublisher,
        projection: CredentialProjection,
        clock: Clock,
    ) -> None:
        self._agents = agents
        self._owners = owners
        self._directory = directory
        self._projection = projection
        self._clock = clock

    async def page(self, account_id: str, *, departed: bool, limit: int, cursor: str | None) -> Page[Agent]:
        """Agents of an account; those who left only on request."""
        return await self._agents.page(account_id, departed=departed, limit=limit, cursor=cursor)

    async def get(self, account_id: str, agent_id: str) -> Agent:
        """One agent.

        Raises:
            Problem: this account has none of this id.
        """
        agent = (await self._agents.get_many(account_id, [agent_id])).get(agent_id)
        if agent is None:
            raise not_found("agent")
        return agent

    async def own(self, principal: Principal) -> Agent:
        """The agent who asks.

        Raises:
            Problem: a key asks that acts for nobody.
        """
        if principal.agent_id is None:
            raise agent_needed()
        return await self.get(principal.account_id, principal.agent_id)

    async def create(self, by: Principal, person: NewPerson, request_id: str | None) -> Agent:
        """Add an agent; the same `request_id` again finds the one it added.

        Raises:
            Problem: the role is above that of who asks, the address is taken, there are too many agents, or their
                names are too long together.
        """
        _require_rank(by, person.role)
        if await self._agents.count(by.account_id, at_most=AGENTS_PER_ACCOUNT) >= AGENTS_PER_ACCOUNT:
            raise too_many("agents", AGENTS_PER_ACCOUNT)
        agent_id = derive_id("agt", request_id) if request_id else new_id("agt")
        agent = hired(agent_id, by.account_id, person, self._clock.now())
        await self._require_room(agent)
        fate = await self._agents.insert(agent)
        if fate is Fate.CONFLICT:
            raise email_taken()
        if fate is Fate.EXISTS:
            agent = await self.get(by.account_id, agent_id)
        await self._follow(agent, sessions_ended=False)
        return agent

    async def change(self, by: Principal, agent_id: str, change: AgentChange) -> Agent:
        """Change an agent.

        Raises:
            Problem: there is none, the address is taken, a role is above that of who asks, nobody would own the
                account any more, or it is who asks and needs the present password.
        """
        if by.agent_id == agent_id and (change.email is not None or change.password_hash is not None):
            raise own_credentials()
        if change.role is not None:
            _require_rank(by, change.role)
        return await self._update(by, agent_id, lambda agent: changed(agent, change, self._clock.now()))

    async def change_own(self, by: Principal, change: AgentChange) -> Agent:
        """Change who asks; whoever calls this has seen the present password where it is needed.

        Raises:
            Problem: a key asks that acts for nobody or may too little, or the address is taken.
        """
        agent = await self.own(by)
        return await self._update(by, agent.id, lambda present: changed(present, change, self._clock.now()))

    async def end_sessions(self, by: Principal, agent_id: str) -> None:
        """Sign an agent out everywhere, in every service at once.

        Raises:
            Problem: there is none, or their role is above that of who asks.
        """
        await self._update(by, agent_id, lambda agent: signed_out(agent, self._clock.now()))

    async def end_own_sessions(self, by: Principal) -> None:
        """Sign who asks out everywhere, here too.

        Raises:
            Problem: an API key asks.
        """
        if by.kind != "agent" or by.agent_id is None:
            raise session_needed()
        await self.end_sessions(by, by.agent_id)

    async def reset_totp(self, by: Principal, agent_id: str) -> None:
        """Turn off the second factor of somebody else; again changes nothing.

        Raises:
            Problem: there is none, their role is above that of who asks, or it is who asks.
        """
        if by.agent_id == agent_id:
            raise own_credentials()
        await self._update(by, agent_id, lambda agent: disabled(agent, self._clock.now()))

    async def remove(self, by: Principal, agent_id: str) -> None:
        """Let an agent leave: no way in from now on, and the name stays for the history; again changes nothing.

        Raises:
            Problem: there is none, their role is above that of who asks, or nobody would own the account any more.
        """
        agent = await self.get(by.account_id, agent_id)
        if agent.active:
            await self._update(by, agent_id, lambda present: departed(present, self._clock.now()))
        else:
            await self._follow(agent, sessions_ended=True)

    async def _update(self, by: Principal, agent_id: str, step: Callable[[Agent], Agent]) -> Agent:
        released = False
        while True:
            before = await self.get(by.account_id, agent_id)
            if not before.active:
                raise not_found("agent")
            _require_rank(by, before.role)
            after = step(before)
            if (after.name, after.email) != (before.name, before.email):
                await self._require_room(after)
            if is_owner(before) and not is_owner(after):
                released = await self._owners.remove(before.account_id, agent_id) or released
            fate = await self._agents.replace(after)
            if fate is Fate.DONE:
                break
            if fate is Fate.CONFLICT:
                if released:
                    await self._owners.add(before.account_id, agent_id)
                raise email_taken()
        await self._follow(after, sessions_ended=after.session_epoch != before.session_epoch)
        return after

    async def _require_room(self, agent: Agent) -> None:
        if not fits(await self._agents.of_account(agent.account_id), agent):
            raise directory_full(DIRECTORY_BYTES)

    async def _follow(self, agent: Agent, *, sessions_ended: bool) -> None:
        crash_point("tickets.agent_saved")
        if is_owner(agent):
            await self._owners.add(agent.account_id, agent.id)
        if sessions_ended:
            await self._projection.project_logout(agent.account_id, agent.id)
        else:
            await self._projection.project_agent(agent.id)
        await self._directory.publish_soon(agent.account_id)


def _require_rank(by: Principal, role: Role) -> None:
    """Nobody gives, or changes who has, more than they may themselves, with the very credential they use."""
    may_it_all = all(by.may(permission) for permission in ROLE_PERMISSIONS[role])
    if not may_it_all or not outranks_or_equals(by.role or "support", role):
        raise role_too_high()
