"""Whether agents can be given tickets."""

from typing import ClassVar, Literal

from contracts.envelope import Event


class AgentAvailabilityChanged(Event):
    """An agent went online or offline; `cause` says through what (A3)."""

    key_field: ClassVar[str] = "agent_id"

    type: Literal["support.agent.availability_changed.v1"] = "support.agent.availability_changed.v1"
    agent_id: str
    online: bool
    cause: Literal["agent", "logout", "lost_session"]
