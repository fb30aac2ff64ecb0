"""What one agent may be given, where it differs from the account's rule (A7). Pure; no I/O."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from contracts.envelope import UtcDatetime
from contracts.ids import derive_id
from contracts.people import Channel
from contracts.routing import RoutingRequested
from contracts.settings import Capacity
from service_kit.docstore import CollectionSpec, Index
from service_kit.outbox import Outboxed, with_events

LIMITS_CHANGED = "router.agent_limits_changed"
"""The reason of a request to look at the queue again; nobody but the router sees it."""


class AgentLimits(Outboxed):
    """One agent's own limits. `channels` None: every channel. `changes` counts them, so that each has its own id."""

    account_id: str
    agent_id: str
    capacity: Capacity = Capacity()
    channels: tuple[Channel, ...] | None = None
    changed_at: UtcDatetime
    changes: int = 0


AGENT_LIMITS = CollectionSpec(
    name="agent_limits",
    model=AgentLimits,
    indexes=(Index(("account_id",)), Index(("outbox_since",))),
)


def agent_limits_id(account_id: str, agent_id: str) -> str:
    """The document's id; it holds the account, so that no account can ask for another's."""
    return f"{account_id}/{agent_id}"


def no_limits(account_id: str, agent_id: str, now: datetime) -> AgentLimits:
    """An agent for whom nothing was set has what the account's settings say."""
    limits_id = agent_limits_id(account_id, agent_id)
    return AgentLimits(id=limits_id, account_id=account_id, agent_id=agent_id, changed_at=now)


def changed_limits(before: AgentLimits, given: Mapping[str, Any], now: datetime) -> AgentLimits:
    """The limits after somebody set some; only a real change has the queue looked at again."""
    after = before.model_copy(update=dict(given))
    if after == before:
        return before
    changes = before.changes + 1
    after = after.model_copy(update={"changed_at": now, "changes": changes})
    wake = RoutingRequested(
        id=derive_id("rtr", before.account_id, before.agent_id, "limits", str(changes)),
        account_id=before.account_id,
        time=now,
        reason=LIMITS_CHANGED,
    )
    return with_events(after, [wake], now)


def allows(limits: AgentLimits | None, channel: Channel) -> bool:
    """Whether the agent may answer that channel."""
    return limits is None or limits.channels is None or channel in limits.channels


def has_room(rule: Capacity, own: Capacity | None, load: Mapping[Channel, int], channel: Channel) -> bool:
    """Whether one more ticket of `channel` fits; each limit of the agent's own replaces the account's."""
    own = own or Capacity()
    per_agent = rule.per_agent if own.per_agent is None else own.per_agent
    per_channel = own.per_channel.get(channel, rule.per_channel.get(channel))
    if per_agent is not None and sum(load.values()) >= per_agent:
        return False
    return per_channel is None or load.get(channel, 0) < per_channel
