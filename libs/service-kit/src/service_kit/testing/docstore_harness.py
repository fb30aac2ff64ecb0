"""What the document-store contract needs of an engine, and the letters its tests store."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Protocol

from pydantic import BaseModel, Field

from contracts.envelope import UtcDatetime
from service_kit.docstore import Collection, CollectionSpec, DocStore, Document, Filter, Index, Sort
from service_kit.docstore.port import D
from service_kit.docstore.tokens import document_tokens

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


class State(StrEnum):
    """Where a letter is."""

    WRITTEN = "written"
    SENT = "sent"
    READ = "read"


class Person(BaseModel):
    """Somebody letters are for."""

    id: str
    town: str | None = None


class Letter(Document):
    """A document with a field of every type that an index can hold."""

    account_id: str = "acme"
    number: int | None = None
    state: State = State.WRITTEN
    urgent: bool = False
    weight: float = 1.0
    written_at: UtcDatetime = NOON
    due_at: UtcDatetime | None = None
    reader: Person | None = None
    labels: list[str] = Field(default_factory=list)
    words: list[str] = Field(default_factory=list)
    text: str = ""


LETTERS = CollectionSpec(
    "letters",
    Letter,
    indexes=(
        Index(("account_id", "number"), unique=True),
        Index(("account_id", "state", "written_at")),
        Index(("account_id", "weight")),
        Index(("account_id", "labels")),
        Index(("reader.id",)),
        Index(("reader.town", "urgent")),
        Index(("due_at",)),
    ),
    lists=frozenset({"labels"}),
    tokens="words",
)

PLAIN_LETTERS = replace(LETTERS, indexes=(Index(("account_id",)),), lists=frozenset(), tokens=None)
"""The same collection before its indexes were thought of."""


class DocStoreHarness(Protocol):
    """An engine under test."""

    def store(self) -> DocStore:
        """A store that is not started; all of one harness share what is stored."""


def letter(letter_id: str, **fields: Any) -> Letter:
    """A letter as it is before it is inserted; what it says can be searched."""
    return Letter(id=letter_id, **({"words": document_tokens(fields.get("text"))} | fields))


@asynccontextmanager
async def running(store: DocStore) -> AsyncIterator[DocStore]:
    """A store for the time of a block, provisioned as `deskbus init` does it."""
    await store.provision()
    await store.start()
    try:
        yield store
    finally:
        await store.stop()


async def found(collection: Collection[D], where: Filter, sort: Sort | None = None) -> list[str]:
    """The ids of the first fifty matches, in order."""
    page = await collection.find(where, sort=sort)
    return [document.id for document in page.items]


async def stored(collection: Collection[D], ids: Iterable[str]) -> list[D]:
    """Documents that are known to be there, in the order asked for."""
    by_id = await collection.get_many(ids)
    return [by_id[one] for one in ids]
