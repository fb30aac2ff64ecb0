"""Sessions of people who signed in. Pure; no I/O."""

from datetime import datetime, timedelta

from service_kit.auth import EVERY_SCOPE, Principal
from service_kit.docstore import CollectionSpec, Document, Index
from tickets.people.agents import Agent

SESSION_LIFE = timedelta(days=30)
"""Counted from signing in, however busy the session is."""


class Session(Document):
    """One sign-in.

    It is kept until it would have expired, also when it was ended, so that a rebuilt projection ends it again.
    `epoch` is the agent's at the moment of signing in: the agent's rises, and all sessions end. `device` is what the
    browser said of itself.
    """

    account_id: str
    agent_id: str
    token_hash: str
    epoch: int
    device: str = ""
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None


SESSIONS = CollectionSpec(
    name="sessions",
    model=Session,
    indexes=(
        Index(("agent_id", "expires_at")),
        Index(("agent_id", "epoch", "ended_at", "expires_at")),
        Index(("expires_at",)),
    ),
)


def session_principal(session: Session, agent: Agent | None, now: datetime) -> Principal | None:
    """Whom the session lets in, if anybody."""
    if agent is None or not agent.active or session.ended_at is not None:
        return None
    if session.epoch != agent.session_epoch or session.expires_at <= now:
        return None
    return Principal(
        account_id=session.account_id,
        kind="agent",
        agent_id=agent.id,
        role=agent.role,
        scopes=frozenset({EVERY_SCOPE}),
        credential_id=session.id,
    )
