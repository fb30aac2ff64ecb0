"""Who looks at a ticket or writes in it now (L6). Pure.

Somebody is there until a moment, and says so again before it: nobody has to notice that a browser is gone.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict

from contracts.envelope import UtcDatetime

PresenceState = Literal["viewing", "typing"]
"""Public contract: what an agent does in a ticket."""

STAYS = timedelta(seconds=15)
"""How long a word holds; clients say it again after five to ten seconds."""

MOST_PRESENT = 50
"""Agents in one ticket."""


class Present(BaseModel):
    """An agent in a ticket, `since` they began to do what they do, and `until` they are thought to have gone."""

    model_config = ConfigDict(frozen=True)

    agent_id: str
    state: PresenceState
    since: UtcDatetime
    until: UtcDatetime


def still_there(known: Iterable[Present], now: datetime) -> dict[str, Present]:
    """Those who have not gone, by id, whoever came first first."""
    here = [one for one in known if one.until > now]
    return {one.agent_id: one for one in sorted(here, key=lambda one: (one.since, one.agent_id))}


def renewed(before: Present | None, agent_id: str, state: PresenceState, now: datetime) -> Present:
    """The agent, there for a while longer."""
    since = before.since if before is not None and before.state == state else now
    return Present(agent_id=agent_id, state=state, since=since, until=now + STAYS)
