"""Saved views: filters that agents named, for themselves or for all (V1). Pure; no I/O."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from contracts.people import Channel
from contracts.tickets import Priority
from service_kit.auth import Permission, Principal
from service_kit.docstore import CollectionSpec, Document, Index
from tickets.custom.custom_fields import MAX_ASKED_FIELDS, AskedValue, FieldKey
from tickets.lists.narrowing import NEWEST_FIRST, AnyStatus, Narrowing, SortOrder, View

VIEWS_PER_ACCOUNT = 1_000

COUNTED_VIEWS = 50
"""So many views are counted at once: the first by name."""

EVERYBODY = "*"
"""The audience of a shared view."""

Column = Literal[
    "number",
    "subject",
    "contact",
    "assignee",
    "team",
    "status",
    "priority",
    "channel",
    "tags",
    "message_count",
    "unread",
    "created_at",
    "updated_at",
]
"""Public contract: what a view may show of each ticket."""

ViewName = Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]
AnId = Annotated[str | None, Field(max_length=100)]


class ViewFilter(BaseModel):
    """What a view shows, in the words of `GET /v1/tickets`; `view` is what it narrows, `mine` being the reader's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    view: View = "all"
    status: AnyStatus = "open"
    assignee: AnId = None
    team: AnId = None
    channel: Channel | None = None
    tag: Annotated[str | None, Field(max_length=100)] = None
    priority: Priority | None = None
    contact: AnId = None
    q: Annotated[str | None, Field(min_length=1, max_length=500)] = None
    custom: Annotated[dict[FieldKey, AskedValue], Field(max_length=MAX_ASKED_FIELDS)] = {}

    @property
    def narrowing(self) -> Narrowing:
        """The same for a list."""
        return Narrowing(
            status=self.status,
            assignee_id=self.assignee,
            team_id=self.team,
            channel=self.channel,
            tag=self.tag,
            priority=self.priority,
            contact_id=self.contact,
            text=self.q,
            custom=tuple(sorted(self.custom.items())) or None,
        )


class SavedView(Document):
    """One view. `owner_id` made it; a private one is there for nobody else. `sort_name` is how lists order it."""

    account_id: str
    owner_id: str | None
    shared: bool
    name: str
    sort_name: str
    filter: ViewFilter = ViewFilter()
    sort: SortOrder = NEWEST_FIRST
    columns: tuple[Column, ...] = ()
    created_at: datetime
    updated_at: datetime

    @property
    def audience(self) -> str | None:
        """Who sees it: everybody, or its owner."""
        return EVERYBODY if self.shared else self.owner_id


SAVED_VIEWS = CollectionSpec(
    name="saved_views",
    model=SavedView,
    indexes=(Index(("account_id", "audience", "sort_name")), Index(("account_id", "sort_name"))),
)


def is_visible(view: SavedView, principal: Principal) -> bool:
    """Whether a view is there for somebody."""
    return view.account_id == principal.account_id and view.audience in {EVERYBODY, principal.agent_id}


def may_change(view: SavedView, principal: Principal) -> bool:
    """Whether somebody may change or remove a view they see: their own, or as a manager what all share."""
    is_own = view.owner_id is not None and view.owner_id == principal.agent_id
    return is_own or principal.may(Permission.MACROS_WRITE)
