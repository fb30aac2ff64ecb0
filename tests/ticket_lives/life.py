"""A ticket as a tiny model has it: what the table of the reopen policy, the views and the history must come to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)

PRESETS: Mapping[str, timedelta | None] = {
    "guide": None,
    "status_page": timedelta(days=3),
    "zendesk": timedelta(days=28),
}
"""Until when after its closing a mail or SMS ticket is reopened by its customer; chats never are."""


@dataclass
class Life:
    """A ticket as the model has it; `told` are the events that must have been published of it, in order."""

    id: str
    channel: str
    customer: str
    status: str = "open"
    assignee: str | None = None
    held: bool = False
    epoch: int = 0
    cycle: int = 1
    closed_at: datetime | None = None
    snoozed_until: datetime | None = None
    reopened_at: list[datetime] = field(default_factory=list)
    quiet_since: datetime | None = None
    readers: frozenset[str] = frozenset()
    tags: tuple[str, ...] = ()
    texts: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    mail_id: str = ""
    follow_up_of: str | None = None
    updated_at: datetime = NOON

    def say(self, event: str, now: datetime, **update: Any) -> None:
        """One change with its event; whatever else changes with it."""
        self.told.append(event)
        self.updated_at = now
        for name, value in update.items():
            setattr(self, name, value)

    def add(self, text: str, now: datetime, readers: frozenset[str]) -> None:
        """One more message."""
        self.texts.append(text)
        self.say("message_added", now, readers=readers)

    def open_again(self, event: str, now: datetime, **update: Any) -> None:
        """Back in sight; the customer's silence counts from here."""
        quiet_since = self.quiet_since and now
        cleared = {"status": "open", "snoozed_until": None, "closed_at": None, "quiet_since": quiet_since}
        self.say(event, now, epoch=self.epoch + 1, **cleared, **update)

    def reopen(self, now: datetime) -> None:
        """Open again in a new cycle."""
        self.reopened_at.append(now)
        self.open_again("reopened", now, cycle=self.cycle + 1, held=False)

    def close(self, now: datetime) -> None:
        """Out of the inbox."""
        update = {"status": "closed", "closed_at": now, "snoozed_until": None, "epoch": self.epoch + 1}
        self.say("closed", now, **update)

    def is_reopened_by_customer(self, preset: str, now: datetime) -> bool:
        """What the table says of a message to the closed ticket, but for the brake."""
        window = PRESETS[preset]
        return self.channel != "web_chat" and (window is None or now - cast("datetime", self.closed_at) <= window)

    def is_braked(self, most: int, now: datetime) -> bool:
        """Whether it was reopened too often within the hour."""
        return sum(now - at < timedelta(hours=1) for at in self.reopened_at) >= most

    def lies_with(self, agent: str | None) -> bool:
        """Whether it is in the inbox of an agent, or of nobody."""
        return self.status == "open" and self.assignee == agent

    def shown_to(self, agent: str) -> dict[str, Any]:
        """What the API must say of it to an agent."""
        return {
            "status": self.status,
            "assignee": self.assignee,
            "unread": agent not in self.readers,
            "tags": list(self.tags),
            "cycle": self.cycle,
            "message_count": len(self.texts),
            "follow_up_of": self.follow_up_of,
            "is_asleep": self.snoozed_until is not None,
        }
