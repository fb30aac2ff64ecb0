"""Agents: the people who answer, and who of them may change whom. Pure; no I/O."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from contracts.directories import AgentDirectory, AgentEntry
from contracts.people import Role
from service_kit.docstore import CollectionSpec, Document, Index

AGENTS_PER_ACCOUNT = 2_000
"""The directory is published whole: a limit keeps its event small."""

DIRECTORY_BYTES = 786_432
"""The directory must fit one record of the bus, however long names and addresses are."""

AgentName = Annotated[str, Field(min_length=1, max_length=200)]

_RANKS: dict[Role, int] = {"support": 0, "manager": 1, "admin": 2, "owner": 3}


class SecondFactor(BaseModel):
    """One-time passwords of an agent: the encrypted secret, the last time step used, hashes of recovery codes left."""

    model_config = ConfigDict(frozen=True)

    secret: str
    last_step: int
    recovery_hashes: tuple[str, ...]


class Agent(Document):
    """A person who may sign in.

    `login` is the e-mail while active: unique over all accounts, because signing in names no account; an agent who
    left has none, so that the address can be used again. When `session_epoch` rises, all sessions of an earlier one
    are over, without a second write. `totp_pending` is the encrypted secret of a second factor that is not on yet.
    """

    account_id: str
    name: str
    email: str
    role: Role
    login: str | None
    password_hash: str
    session_epoch: int = 1
    totp: SecondFactor | None = None
    totp_pending: str | None = None
    created_at: datetime
    updated_at: datetime

    @property
    def active(self) -> bool:
        """Whether this person still works here."""
        return self.login is not None


AGENTS = CollectionSpec(
    name="agents",
    model=Agent,
    indexes=(Index(("login",), unique=True), Index(("account_id",))),
)


@dataclass(frozen=True, slots=True)
class NewPerson:
    """Somebody who is to become an agent."""

    name: str
    email: str
    role: Role
    password_hash: str


def hired(agent_id: str, account_id: str, person: NewPerson, now: datetime) -> Agent:
    """The person as an agent, who can sign in from now on."""
    return Agent(
        id=agent_id,
        account_id=account_id,
        name=person.name,
        email=person.email,
        login=person.email,
        role=person.role,
        password_hash=person.password_hash,
        created_at=now,
        updated_at=now,
    )


@dataclass(frozen=True, slots=True)
class AgentChange:
    """What to change of an agent; None keeps."""

    name: str | None = None
    email: str | None = None
    role: Role | None = None
    password_hash: str | None = None


def changed(agent: Agent, change: AgentChange, now: datetime) -> Agent:
    """The agent after a change; a new password ends all sessions, the one that asks too."""
    email = change.email or agent.email
    return agent.model_copy(
        update={
            "name": change.name or agent.name,
            "email": email,
            "login": email,
            "role": change.role or agent.role,
            "password_hash": change.password_hash or agent.password_hash,
            "session_epoch": agent.session_epoch + (change.password_hash is not None),
            "updated_at": now,
        }
    )


def departed(agent: Agent, now: datetime) -> Agent:
    """The agent after leaving: kept for the history, without a way in."""
    return agent.model_copy(update={"login": None, "session_epoch": agent.session_epoch + 1, "updated_at": now})


def signed_out(agent: Agent, now: datetime) -> Agent:
    """The agent after all their sessions ended."""
    return agent.model_copy(update={"session_epoch": agent.session_epoch + 1, "updated_at": now})


def is_owner(agent: Agent) -> bool:
    """Whether the agent owns the account now."""
    return agent.active and agent.role == "owner"


def outranks_or_equals(role: Role, other: Role) -> bool:
    """Whether `role` may grant `other` or change somebody who has it."""
    return _RANKS[role] >= _RANKS[other]


def directory(agents: Iterable[Agent]) -> AgentDirectory:
    """Everybody as other services know them."""
    return AgentDirectory(agents={agent.id: directory_entry(agent) for agent in agents})


def fits(agents: Iterable[Agent], changed: Agent) -> bool:
    """Whether the directory can still be published with an agent as they are to be."""
    told = directory([*(agent for agent in agents if agent.id != changed.id), changed])
    return len(told.model_dump_json().encode()) <= DIRECTORY_BYTES


def directory_entry(agent: Agent) -> AgentEntry:
    """The agent as other services know them."""
    return AgentEntry(id=agent.id, name=agent.name, email=agent.email, role=agent.role, active=agent.active)
