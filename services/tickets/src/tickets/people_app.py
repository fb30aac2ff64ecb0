"""Composition of people, accounts, settings areas and macros; `app.py` puts it beside the tickets themselves."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from argon2 import PasswordHasher

from contracts.directories import AgentDirectory
from contracts.settings import AccountSettings, TicketSettings
from service_kit.audit import AuditTrail
from service_kit.auth.credentials import Credentials
from service_kit.http.routes import Routes
from service_kit.platform import Platform
from service_kit.settings_area import SettingsArea
from service_kit.worker import PeriodicWorker
from tickets.access.api_key_store import ApiKeyStore
from tickets.access.api_key_workflow import ApiKeyWorkflow
from tickets.access.api_keys_api import api_keys_router
from tickets.access.credential_projection import CredentialProjection
from tickets.access.devices import Devices
from tickets.access.passwords import Passwords, standard_hasher
from tickets.access.refused_sign_ins import RefusedSignIns
from tickets.access.session_store import SessionStore
from tickets.access.session_workflow import SessionWorkflow
from tickets.access.sessions_api import sessions_router
from tickets.access.sign_in_limit import SignInLimit
from tickets.access.sign_in_workflow import SignInWorkflow
from tickets.access.totp_api import totp_router
from tickets.access.totp_workflow import TotpWorkflow
from tickets.audit.audit_api import audit_router
from tickets.audit.audit_log import AuditLog
from tickets.audit.audit_store import AuditStore
from tickets.contacts.events_intake_api import events_intake_router
from tickets.custom.custom_field_store import CustomFieldStore
from tickets.macros.macro_store import MacroStore
from tickets.macros.macro_workflow import MacroWorkflow
from tickets.macros.macros_api import macros_router
from tickets.people.account_owners import AccountOwners
from tickets.people.account_store import AccountStore
from tickets.people.account_workflow import AccountWorkflow, CreatedAccount, NewAccount
from tickets.people.agent_directory import AgentDirectoryPublisher, AgentLookup
from tickets.people.agent_store import AgentStore
from tickets.people.agent_workflow import AgentWorkflow
from tickets.people.agents_api import agents_router
from tickets.people.own_profile import OwnProfile

PREFIXES = (
    "/v1/sessions",
    "/v1/agents",
    "/v1/api-keys",
    "/v1/audit",
    "/v1/macros",
    "/v1/events",
    "/v1/settings/account",
    "/v1/settings/tickets",
)
_SWEEP_SECONDS = 3600.0
_CATCH_UP_SECONDS = 2.0
_REFUSED_SECONDS = 1.0
_REBUILD_SECONDS = 300.0
"""A Redis that lost everything while tickets went on lets nobody in for this long at most."""


@dataclass(frozen=True, slots=True)
class PeopleParts:
    """What `app.py` needs of people: everything to serve, run and look up, already wired.

    `on_account` belongs into the service's `SettingsCopies`; `prepare` into `Service.prepare`, before anything
    that needs an agent or a settings area.
    """

    routers: tuple[Routes, ...]
    prefixes: tuple[str, ...]
    prepare: tuple[Callable[[], Awaitable[None]], ...]
    on_account: tuple[Callable[[str], Awaitable[None]], ...]
    workers: tuple[PeriodicWorker, ...]
    agents: AgentLookup
    audit_log: AuditLog
    accounts: AccountWorkflow
    account_settings: SettingsArea[AccountSettings]
    ticket_settings: SettingsArea[TicketSettings]


class _Wiring:
    """The workflows of people, on this service's platform."""

    def __init__(self, platform: Platform, hasher: PasswordHasher | None) -> None:
        store, clock = platform.store, platform.clock
        self.account_settings = SettingsArea(platform, "account", AccountSettings)
        self.ticket_settings = SettingsArea(platform, "tickets", TicketSettings)
        accounts, agents = AccountStore(store), AgentStore(store)
        sessions, keys = SessionStore(store), ApiKeyStore(store)
        self.passwords, self.limit = Passwords(hasher or standard_hasher()), SignInLimit(platform.redis)
        self.audit_store = AuditStore(store)
        self.audit_log = AuditLog(self.audit_store, clock)
        self.refused = RefusedSignIns(platform.redis, agents, self.audit_log, clock)
        credentials = Credentials(platform.redis, clock)
        self.projection = CredentialProjection(accounts, agents, sessions, keys, credentials, clock)
        self.directory = AgentDirectoryPublisher(agents, SettingsArea(platform, "agents", AgentDirectory))
        self.lookup = AgentLookup(agents)
        self.agents = AgentWorkflow(agents, AccountOwners(accounts), self.directory, self.projection, clock)
        self.keys = ApiKeyWorkflow(agents, keys, self.projection, clock)
        self.totp = TotpWorkflow(agents, platform.secrets, self.passwords, self.limit, clock)
        self.sessions = SessionWorkflow(agents, sessions, self.projection, credentials, self.audit_log, clock)
        devices = Devices(platform.signer, clock)
        self.sign_ins = SignInWorkflow(
            agents, self.passwords, self.totp, self.limit, devices, self.refused, self.sessions
        )
        self.accounts = AccountWorkflow(
            accounts,
            agents,
            self.keys,
            self.passwords,
            self.projection,
            self.directory,
            self.account_settings,
            self.ticket_settings,
            self.audit_log,
            clock,
        )


def build_people(platform: Platform, *, hasher: PasswordHasher | None = None) -> PeopleParts:
    """Wire people on this service's platform; `hasher` only so that tests need not pay for real argon2 costs."""
    wired = _Wiring(platform, hasher)
    own_profile = OwnProfile(wired.agents, wired.passwords, wired.limit)
    wired.audit_log.subscribe(platform.bus)
    return PeopleParts(
        routers=(
            sessions_router(wired.sign_ins, wired.sessions, wired.agents),
            agents_router(wired.agents, own_profile, wired.passwords),
            totp_router(wired.totp, wired.agents),
            api_keys_router(wired.keys),
            audit_router(wired.audit_store),
            macros_router(MacroWorkflow(MacroStore(platform.store), CustomFieldStore(platform.store), platform.clock)),
            events_intake_router(platform.bus, platform.clock),
            wired.account_settings.router(),
            wired.ticket_settings.router(),
        ),
        prefixes=PREFIXES,
        prepare=(wired.accounts.prepare, wired.projection.rebuild),
        on_account=(wired.accounts.ensure_areas,),
        workers=(
            PeriodicWorker("tickets.expired_sessions", _SWEEP_SECONDS, wired.sessions.sweep),
            PeriodicWorker("tickets.credentials", _REBUILD_SECONDS, wired.projection.rebuild),
            PeriodicWorker("tickets.agent_directory", _CATCH_UP_SECONDS, wired.directory.catch_up),
            PeriodicWorker("tickets.refused_sign_ins", _REFUSED_SECONDS, wired.refused.enter),
            AuditTrail(platform, "tickets").worker(),
        ),
        agents=wired.lookup,
        audit_log=wired.audit_log,
        accounts=wired.accounts,
        account_settings=wired.account_settings,
        ticket_settings=wired.ticket_settings,
    )


def account_workflow(platform: Platform, *, hasher: PasswordHasher | None = None) -> AccountWorkflow:
    """What makes accounts, alone: beside a service that runs already."""
    return _Wiring(platform, hasher).accounts


async def create_account(platform: Platform, wanted: NewAccount) -> CreatedAccount:
    """Create an account on the platform of tickets, for the `deskbus` command; see `AccountWorkflow.create`.

    Without an id it finishes the account that was begun for this owner and never got its support address, if any.
    """
    accounts = account_workflow(platform)
    account_id = wanted.account_id or await accounts.unfinished(wanted.email)
    return await accounts.create(wanted.model_copy(update={"account_id": account_id}))
