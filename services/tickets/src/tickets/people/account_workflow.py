"""Creating an account with its owner, first key and settings, so that a crash anywhere can be finished."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from contracts.ids import derive_id, new_id
from contracts.schedules import Zone
from contracts.settings import AccountSettings, TicketSettings
from service_kit.clock import Clock
from service_kit.crash_points import crash_point
from service_kit.docstore import Fate
from service_kit.settings_area import SettingsArea
from tickets.access.api_key_workflow import ApiKeyWorkflow
from tickets.access.credential_projection import CredentialProjection
from tickets.access.passwords import NewPassword, Passwords
from tickets.audit.audit_log import AuditLog
from tickets.people.account_store import AccountStore
from tickets.people.accounts import Account
from tickets.people.agent_directory import AgentDirectoryPublisher
from tickets.people.agent_store import AgentStore
from tickets.people.agents import Agent, AgentChange, AgentName, NewPerson, changed, hired
from tickets.people.email_address import EmailAddress
from tickets.people.people_problems import account_exists, email_taken


class NewAccount(BaseModel):
    """An account to create, and its first owner.

    With an `account_id` of the caller's the creation may be repeated until its answer was kept: the owner's password
    is then the one given last, and only the key given out last works.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=200)]
    owner_name: AgentName
    email: EmailAddress
    password: NewPassword
    language: Annotated[str, Field(pattern=r"^[a-z]{2}(-[A-Z]{2})?$")] = "en"
    zone: Zone = "UTC"
    account_id: Annotated[str | None, Field(pattern=r"^[a-zA-Z0-9_-]{1,100}$")] = None


@dataclass(frozen=True, slots=True)
class CreatedAccount:
    """What the creator is told; `api_key` acts for the owner and cannot be shown again."""

    account_id: str
    agent_id: str
    email: str
    api_key: str


class AccountWorkflow:
    """Accounts come into being here only; there is no public sign-up."""

    def __init__(
        self,
        accounts: AccountStore,
        agents: AgentStore,
        keys: ApiKeyWorkflow,
        passwords: Passwords,
        projection: CredentialProjection,
        directory: AgentDirectoryPublisher,
        account_settings: SettingsArea[AccountSettings],
        ticket_settings: SettingsArea[TicketSettings],
        audit: AuditLog,
        clock: Clock,
    ) -> None:
        self._accounts = accounts
        self._agents = agents
        self._keys = keys
        self._passwords = passwords
        self._projection = projection
        self._directory = directory
        self._account_settings = account_settings
        self._ticket_settings = ticket_settings
        self._audit = audit
        self._clock = clock

    async def create(self, wanted: NewAccount) -> CreatedAccount:
        """Create the account, or finish what an interrupted call with the same `account_id` began.

        Raises:
            Problem: somebody else signs in with the address (`email_taken`), or the id is another owner's account
                (`account_exists`).
        """
        account_id = wanted.account_id or new_id("acc")
        owner_id = derive_id("agt", account_id, "owner")
        holder = await self._agents.by_login(wanted.email)
        if holder is not None and holder.id != owner_id:
            raise email_taken()
        await self._accounts.insert(self._account(wanted, account_id, owner_id))
        crash_point("tickets.account_saved")
        owner = await self._owner(wanted, account_id, owner_id)
        crash_point("tickets.owner_saved")
        await self._audit.record_created(account_id, owner_id)
        await self._projection.project_agent(owner_id)
        await self.ensure_areas(account_id)
        issued = await self._keys.issue_first(owner)
        return CreatedAccount(account_id, owner_id, owner.email, issued.token)

    async def unfinished(self, email: str) -> str | None:
        """The account that was begun for this owner and never got its support address: create it again by this id."""
        owner = await self._agents.by_login(email)
        if owner is None or owner.id != derive_id("agt", owner.account_id, "owner"):
            return None
        await self.ensure_areas(owner.account_id)
        settings = await self._account_settings.get(owner.account_id)
        return None if settings.support_email else owner.account_id

    async def ensure_areas(self, account_id: str) -> None:
        """Give an account the settings areas it lacks, and its directory of agents."""
        account = await self._accounts.find(account_id)
        if account is None:
            return
        await self._directory.publish(account_id)
        await self._ticket_settings.ensure(account_id)
        defaults = AccountSettings(name=account.name, zone=account.zone, language=account.language)
        await self._account_settings.ensure(account_id, defaults)

    async def prepare(self) -> None:
        """Finish what a crash left undone, and publish every area once more."""
        for account in await self._accounts.every():
            await self.ensure_areas(account.id)
        await self._directory.republish()
        await self._ticket_settings.republish()
        await self._account_settings.republish()

    def _account(self, wanted: NewAccount, account_id: str, owner_id: str) -> Account:
        return Account(
            id=account_id,
            name=wanted.name,
            zone=wanted.zone,
            language=wanted.language,
            owner_ids=(owner_id,),
            created_at=self._clock.now(),
        )

    async def _owner(self, wanted: NewAccount, account_id: str, owner_id: str) -> Agent:
        password_hash = await self._passwords.hash(wanted.password)
        person = NewPerson(wanted.owner_name, wanted.email, "owner", password_hash)
        owner = hired(owner_id, account_id, person, self._clock.now())
        if await self._agents.insert(owner) is Fate.DONE:
            return owner
        return await self._with_password(wanted, owner_id, password_hash)

    async def _with_password(self, wanted: NewAccount, owner_id: str, password_hash: str) -> Agent:
        while True:
            owner = await self._agents.find(owner_id)
            if owner is None:
                raise email_taken()
            if owner.login != wanted.email:
                raise account_exists()
            owner = changed(owner, AgentChange(password_hash=password_hash), self._clock.now())
            if await self._agents.replace(owner) is Fate.DONE:
                return owner
