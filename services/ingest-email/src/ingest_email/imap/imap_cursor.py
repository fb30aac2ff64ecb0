"""How far a mailbox has been read, and what of it comes next (X1). Pure.

UIDs only ever rise within one UIDVALIDITY (RFC 3501, 2.3.1.1), so the cursor is both numbers. Where they can mean
nothing any more (another UIDVALIDITY, another server or folder, UIDs that went back) everything that may have been
missed is read again: what was taken already is told by its identity (X4).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict

from contracts.envelope import UtcDatetime
from ingest_email.imap.imap_failure import ImapFailure

_LARGEST_UID = 2**32 - 1
_AT_ONCE = 50_000
"""UIDs asked for at once: an answer with so many stays a line that every part of us reads."""

_STEADY = timedelta(minutes=10)
"""A folder that begins anew more often than this is broken, and reading it again and again would not mend it."""

_ZONES = timedelta(days=1)
"""Servers keep the day of arrival in a zone of their own."""


@dataclass(frozen=True, slots=True)
class FolderFacts:
    """What a server says of a folder when it opens it."""

    uid_validity: int
    uid_next: int
    exists: int

    def __post_init__(self) -> None:
        """Refuse numbers that no server has."""
        if not (
            1 <= self.uid_validity <= _LARGEST_UID
            and 1 <= self.uid_next <= _LARGEST_UID + 1
            and 0 <= self.exists <= _LARGEST_UID
        ):
            raise ValueError("these are not the numbers of a folder")


@dataclass(frozen=True, slots=True)
class Window:
    """UIDs to ask for next, both ends included; `since` leaves out what arrived before that day."""

    first: int
    last: int
    since: date | None = None


class FolderCursor(BaseModel):
    """All mail up to `last_uid` was taken, or needs not to be.

    `source` stands for server, user and folder. Mail up to `reread_until` that arrived before `reread_since` was in
    the folder before we were told to read it.
    """

    model_config = ConfigDict(frozen=True)

    source: str
    uid_validity: int
    last_uid: int
    begun_at: UtcDatetime
    takes_all: bool
    reread_at: UtcDatetime | None = None
    reread_until: int = 0
    reread_since: date | None = None


def begun(facts: FolderFacts, *, source: str, start_from: Literal["now", "all"], now: datetime) -> FolderCursor:
    """The cursor of a folder that nobody has read yet."""
    takes_all = start_from == "all"
    return FolderCursor(
        source=source,
        uid_validity=facts.uid_validity,
        last_uid=0 if takes_all else facts.uid_next - 1,
        begun_at=now,
        takes_all=takes_all,
    )


def followed(cursor: FolderCursor, facts: FolderFacts, *, source: str, now: datetime) -> FolderCursor:
    """The cursor for the folder as it is now: the same, or at its beginning where UIDs have a new meaning.

    Raises:
        ImapFailure: `folder_unsteady`.
    """
    is_same = (cursor.source, cursor.uid_validity) == (source, facts.uid_validity)
    if is_same and cursor.last_uid < facts.uid_next:
        return cursor
    if cursor.source == source and cursor.reread_at is not None and now - cursor.reread_at < _STEADY:
        raise ImapFailure("folder_unsteady")
    return cursor.model_copy(
        update={
            "source": source,
            "uid_validity": facts.uid_validity,
            "last_uid": 0,
            "reread_at": now,
            "reread_until": facts.uid_next - 1,
            "reread_since": None if cursor.takes_all else (cursor.begun_at - _ZONES).date(),
        }
    )


def next_window(cursor: FolderCursor, facts: FolderFacts) -> Window | None:
    """What to ask for next; None when everything was."""
    first, last = cursor.last_uid + 1, facts.uid_next - 1
    if first > last:
        return None
    if facts.exists > _AT_ONCE:
        last = min(last, cursor.last_uid + _AT_ONCE)
    if first <= cursor.reread_until:
        return Window(first, min(last, cursor.reread_until), cursor.reread_since)
    return Window(first, last)


def wanted(window: Window, found: Iterable[int]) -> list[int]:
    """The UIDs of an answer that were asked for, each once and in order, whatever else the server says."""
    return sorted({uid for uid in found if window.first <= uid <= window.last})


def past(cursor: FolderCursor, uid: int) -> FolderCursor:
    """The cursor behind this mail; it never goes back."""
    return cursor.model_copy(update={"last_uid": max(cursor.last_uid, uid)})
