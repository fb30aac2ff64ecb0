"""What a topic is, as data."""

from dataclasses import dataclass
from typing import Literal

from contracts.envelope import Event

ServiceName = Literal[
    "ingest-email",
    "ingest-sms",
    "webchat-gateway",
    "tickets",
    "router",
    "notifier",
    "reporting",
    "outsiders",
]


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic: who may write it, who reads it, what it holds and how long.

    `producers` write it; `consumers` are also the names of the consumer groups, and each has the dead-letter
    topic `<name>-<group>-dlq`. `compacted` topics keep the newest record of each key for ever.
    """

    name: str
    summary: str
    owner: ServiceName
    producers: tuple[ServiceName, ...]
    consumers: tuple[ServiceName, ...]
    key: str
    events: tuple[type[Event], ...]
    visibility: Literal["public", "internal"] = "internal"
    partitions: int = 12
    retention_days: int = 7
    compacted: bool = False

    def dead_letter_topic(self, group: str) -> str:
        """Where records go that `group` can never handle."""
        return f"{self.name}-{group}-dlq"
