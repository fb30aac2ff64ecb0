"""Whether an agent can be given tickets: the switch that agents set for themselves (A3). Pure; no I/O."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from contracts.envelope import UtcDatetime
from contracts.ids import derive_id
from contracts.presence import AgentAvailabilityChanged
from contracts.routing import RoutingRequested
from service_kit.docstore import CollectionSpec, Index
from service_kit.outbox import Outboxed, with_events

LOST_AFTER = timedelta(minutes=2)
"""An agent whose session made no request for so long is gone."""

DeclaredBy = Literal["session", "api_key"]
"""Public contract: what an agent's session declared ends with it; what an API key declared holds until set again."""

Cause = Literal["agent", "logout", "lost_session"]
"""Public contract: what set the switch last; only the first is the agent's own word."""

HERE_WITHIN = timedelta(seconds=30)

Observed = Literal["here", "away", "gone"]
"""Public contract: whether an agent was seen just now; some time ago, short enough to count as a short disconnect; or
longer ago, or never."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What is known of an agent apart from what they declare; `at` None: nobody remembers."""

    state: Observed
    at: datetime | None


class Availability(Outboxed):
    """One agent's switch. `since` is its last change; `changes` counts them, so that each has an id of its own.

    `online` counts for assignment. `declared_online` is what the agent said last, at `declared_at`: it stays when the
    switch ends with a session (`cause`), so that the two can be told apart.
    """

    account_id: str
    agent_id: str
    online: bool = False
    since: UtcDatetime
    declared_by: DeclaredBy = "session"
    declared_online: bool | None = None
    declared_at: UtcDatetime | None = None
    cause: Cause | None = None
    changes: int = 0


AVAILABILITY = CollectionSpec(
    name="availability",
    model=Availability,
    indexes=(
        Index(("account_id", "online")),
        Index(("online", "declared_by")),
        Index(("outbox_since",)),
    ),
)


def availability_id(account_id: str, agent_id: str) -> str:
    """The document's id; it holds the account, so that no account can ask for another's."""
    return f"{account_id}/{agent_id}"


def never_set(account_id: str, agent_id: str, now: datetime) -> Availability:
    """An agent who never touched the switch is offline."""
    return Availability(id=availability_id(account_id, agent_id), account_id=account_id, agent_id=agent_id, since=now)


def switched(
    before: Availability, *, online: bool, declared_by: DeclaredBy, cause: Cause, now: datetime
) -> Availability:
    """The switch after somebody set it; only a real change is told, to everybody and to the queue."""
    if cause == "agent":
        before = _declared(before, online=online, now=now)
    if before.online == online:
        return before.model_copy(update={"declared_by": declared_by})
    changes = before.changes + 1
    change = {"online": online, "since": now, "declared_by": declared_by, "cause": cause, "changes": changes}
    after = before.model_copy(update=change)
    account_id, agent_id = before.account_id, before.agent_id
    told = AgentAvailabilityChanged(
        id=derive_id("evt", account_id, agent_id, "availability", str(changes)),
        account_id=account_id,
        time=now,
        agent_id=agent_id,
        online=online,
        cause=cause,
    )
    wake = RoutingRequested(
        id=derive_id("rtr", account_id, told.id),
        account_id=account_id,
        time=now,
        reason=told.type,
        agent_id=agent_id,
    )
    return with_events(after, [told, wake], now)


def _declared(before: Availability, *, online: bool, now: datetime) -> Availability:
    """What the agent says; saying the same again is no news."""
    if before.declared_online is online:
        return before
    return before.model_copy(update={"declared_online": online, "declared_at": now})


def observed(last_seen: datetime | None, now: datetime) -> Observed:
    """What is known of an agent apart from what they declare."""
    if last_seen is None or now - last_seen >= LOST_AFTER:
        return "gone"
    return "here" if now - last_seen < HERE_WITHIN else "away"


def ends_with_session(availability: Availability) -> bool:
    """Whether the agent is online, and no longer than a session of theirs lives."""
    return availability.online and availability.declared_by == "session"


def logged_out(availability: Availability, at: datetime, now: datetime) -> Availability:
    """After the agent's last session ended `at`; whoever came back since stays."""
    if not ends_with_session(availability) or availability.since > at:
        return availability
    return switched(availability, online=False, declared_by="session", cause="logout", now=now)


def lost(availability: Availability, last_seen: datetime | None, now: datetime) -> Availability:
    """After a look at when the agent was seen last (None: nobody remembers)."""
    seen = max(availability.since, last_seen or availability.since)
    if not ends_with_session(availability) or now - seen < LOST_AFTER:
        return availability
    return switched(availability, online=False, declared_by="session", cause="lost_session", now=now)
