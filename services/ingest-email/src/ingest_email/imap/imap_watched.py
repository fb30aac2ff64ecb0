"""One mailbox that is read: its cursor, who reads it until when, and how that goes, in one document.

So a single compare-and-swap advances the cursor and proves that the mailbox is still ours to read.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from contracts.envelope import UtcDatetime
from ingest_email.imap.imap_cursor import FolderCursor
from ingest_email.imap.imap_failure import FailureCode
from service_kit.docstore import CollectionSpec, Document, Index

MailboxState = Literal["waiting", "connecting", "reading", "watching", "polling", "retrying"]
"""Public contract. `watching` hears of new mail at once, `polling` asks for it; `waiting`: nobody reads it yet."""


class KeptGrant(BaseModel):
    """A refresh token, encrypted, that a server gave us instead of the one in the settings; that one by a hash."""

    model_config = ConfigDict(frozen=True)

    instead_of: str
    refresh_token: str


class WatchedMailbox(Document):
    """A mailbox of the settings; the id is the account's with its name.

    `wanted_at` is when settings last asked for it: a document can be there a moment before the settings that name it.
    """

    account_id: str
    name: str
    wanted_at: UtcDatetime
    leased_until: UtcDatetime
    holder: str | None = None
    state: MailboxState = "waiting"
    last_error: FailureCode | None = None
    last_seen_at: UtcDatetime | None = None
    cursor: FolderCursor | None = None
    grant: KeptGrant | None = None


WATCHED = CollectionSpec(
    name="imap_mailboxes", model=WatchedMailbox, indexes=(Index(("leased_until",)), Index(("account_id",)))
)


def watched_id(account_id: str, name: str) -> str:
    """The id of a mailbox; names have no slash."""
    return f"{account_id}/{name}"
