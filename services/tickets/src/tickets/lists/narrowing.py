"""What a list of tickets is asked for: its view, what narrows it, its order (V1). Pure."""

from dataclasses import dataclass, fields, replace
from typing import Literal

from contracts.people import Channel
from contracts.tickets import Priority, Status

View = Literal["mine", "all", "unassigned"]
"""Public contract: the views everybody has."""

SortOrder = Literal["updated_at", "-updated_at", "created_at", "-created_at", "priority", "-priority"]
"""Public contract: how a list may be sorted; a minus means newest, or most urgent, first."""

AnyStatus = Status | Literal["any"]

NEWEST_FIRST: SortOrder = "-updated_at"


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What a list is narrowed by, beyond its view; None does not narrow, but for `status`: open tickets only."""

    status: AnyStatus | None = None
    assignee_id: str | None = None
    team_id: str | None = None
    channel: Channel | None = None
    tag: str | None = None
    priority: Priority | None = None
    contact_id: str | None = None
    text: str | None = None
    custom: tuple[tuple[str, str], ...] | None = None

    @property
    def stored_status(self) -> Status | None:
        """The status asked for; None asks for every one."""
        return None if self.status == "any" else self.status or "open"

    def over(self, other: "Narrowing") -> "Narrowing":
        """The `other` one, but for what this one says itself."""
        said = {field.name: getattr(self, field.name) for field in fields(self)}
        return replace(other, **{name: value for name, value in said.items() if value is not None})
