"""What an agent has begun to write in a ticket and not sent: theirs alone. No rules of sending; those see no draft."""

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from contracts.envelope import UtcDatetime
from contracts.ids import derive_id
from service_kit.docstore import CollectionSpec, Document, Index

DraftKind = Literal["reply", "note"]
"""Public contract: what a draft becomes when it is sent."""

DRAFTS_PER_AGENT = 500

DraftText = Annotated[str, Field(max_length=100_000)]
DraftHtml = Annotated[str, Field(max_length=500_000)]


class SavedDraft(Document):
    """The one draft of an agent in a ticket. `base_seq` is the newest event that the writer had seen.

    `version` rises with every change, so that two windows of one agent do not undo each other.
    """

    account_id: str
    agent_id: str
    ticket_id: str
    kind: DraftKind
    text: str
    html: str | None = None
    base_seq: int
    version: int = 1
    created_at: UtcDatetime
    updated_at: UtcDatetime


SAVED_DRAFTS = CollectionSpec(
    name="saved_drafts",
    model=SavedDraft,
    indexes=(Index(("account_id", "agent_id", "updated_at")), Index(("ticket_id",))),
)


def draft_id(agent_id: str, ticket_id: str) -> str:
    """The id of the one draft of an agent in a ticket."""
    return derive_id("drf", agent_id, ticket_id)


@dataclass(frozen=True, slots=True)
class Written:
    """What somebody has written so far; `base_seq` None: having seen everything."""

    kind: DraftKind
    text: str
    html: str | None
    base_seq: int | None

    def seen_at_most(self, newest_seq: int) -> "Written":
        """The same, having seen nothing that has not happened yet."""
        return replace(self, base_seq=newest_seq if self.base_seq is None else min(self.base_seq, newest_seq))


def begun(account_id: str, agent_id: str, ticket_id: str, written: Written, now: datetime) -> SavedDraft:
    """The first version of a draft."""
    return SavedDraft(
        id=draft_id(agent_id, ticket_id),
        account_id=account_id,
        agent_id=agent_id,
        ticket_id=ticket_id,
        created_at=now,
        updated_at=now,
        **asdict(written),
    )


def rewritten(before: SavedDraft, written: Written, now: datetime) -> SavedDraft:
    """The draft with what was written since; the same again changes nothing."""
    given = asdict(written)
    if all(getattr(before, field) == value for field, value in given.items()):
        return before
    return before.model_copy(update={**given, "version": before.version + 1, "updated_at": now})
