"""What a service may ask of its document store, whichever engine is behind it.

One document is the unit of atomicity. Every write is a compare-and-swap on `rev`, and every bulk write says
what became of each document. There are no transactions, joins or partial updates.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict

from service_kit.docstore.filters import Filter
from service_kit.errors import DeskbusError, PermanentError, Unavailable


class StoreUnavailable(Unavailable):
    """The engine did not confirm a read or write (down, disk full, timed out)."""


class DocumentTooLarge(PermanentError):
    """A document of more than twelve mebibytes as JSON, or of too much that is indexed; its call has stored nothing."""

    code = "document_too_large"


class UnindexedQueryError(DeskbusError):
    """A filter or sort that no declared index leads: a mistake in a store, never in a request."""


class InvalidCursorError(DeskbusError):
    """A page cursor that this query did not hand out."""


class Document(BaseModel):
    """A stored thing. Immutable: change it with `model_copy(update=…)` and `replace_many`.

    `rev` counts writes and belongs to the store: 0 before the first insert, set by the store afterwards.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    rev: int = 0


D = TypeVar("D", bound=Document)


class Fate(StrEnum):
    """What became of one document of a bulk write."""

    DONE = "done"
    EXISTS = "exists"
    """Insert: the id is taken (nothing was changed)."""
    CONFLICT = "conflict"
    """Insert or replace: a unique index refused it."""
    STALE = "stale"
    """Replace or delete: the stored `rev` is another one, or the document is gone."""


@dataclass(frozen=True, slots=True)
class Index:
    """An index over dotted `fields`, in order; the last may be one of the collection's `lists` (for `Has`).

    Unique indexes ignore documents in which any of the fields is missing or null. Others end with the id unsaid, so
    that `Index(("account_id",))` serves an account page by page without a sort.
    """

    fields: tuple[str, ...]
    unique: bool = False


@dataclass(frozen=True, slots=True)
class CollectionSpec(Generic[D]):
    """A collection as data: what it holds and every index it may be asked by.

    `lists` names the fields that hold lists of strings; `tokens` the list field that `Match` searches.
    Field types of indexed fields: str, int, float, bool, datetime (aware), or list[str] where named in `lists`.
    """

    name: str
    model: type[D]
    indexes: tuple[Index, ...] = ()
    lists: frozenset[str] = frozenset()
    tokens: str | None = None


@dataclass(frozen=True, slots=True)
class Sort:
    """Order of a page; ties are broken by id in the same direction. The field must never be null."""

    field: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Page(Generic[D]):
    """Part of an answer: `next_cursor` is opaque, and None when nothing follows."""

    items: Sequence[D]
    next_cursor: str | None = None


class Collection(Protocol[D]):
    """Documents of one model."""

    async def get(self, document_id: str) -> D | None:
        """One document by id."""

    async def get_many(self, ids: Iterable[str]) -> Mapping[str, D]:
        """Those that exist, in one round trip."""

    async def insert_many(self, documents: Sequence[D]) -> Sequence[Fate]:
        """Insert each on its own (`rev` becomes 1); fates in the order given: DONE, EXISTS or CONFLICT.

        Within one call a later document sees the earlier ones.
        """

    async def replace_many(self, documents: Sequence[D]) -> Sequence[Fate]:
        """Replace each whose stored `rev` equals the given one (then it becomes `rev + 1`): DONE, STALE or CONFLICT."""

    async def delete_many(self, documents: Sequence[D]) -> Sequence[Fate]:
        """Delete each whose stored `rev` equals the given one: DONE or STALE."""

    async def find(
        self, where: Filter, *, sort: Sort | None = None, limit: int = 50, cursor: str | None = None
    ) -> Page[D]:
        """A page of matches. Without `sort`: by id. `limit` is 1 to 1,000.

        Raises:
            UnindexedQueryError: no declared index leads this filter and sort.
            InvalidCursorError: the cursor was not made by this query's sort.
        """

    async def count(self, where: Filter, *, at_most: int = 1000) -> int:
        """How many match, counting no further than `at_most`."""


class DocStore(Protocol):
    """All collections of one service."""

    def collection(self, spec: CollectionSpec[D]) -> Collection[D]:
        """A typed collection. Declared before `start`; the same spec may be asked for again."""

    async def provision(self) -> None:
        """Create collections and indexes as declared, and bring what is stored up to them; needs no `start`.

        Idempotent, also beside stores that run.

        Raises:
            StoreUnavailable: the engine could not be reached, or its documents do not fit what is declared now.
            Refused: it does not let us in.
        """

    async def start(self) -> None:
        """Open what is provisioned; an embedded engine provisions itself.

        Raises:
            StoreUnavailable: the engine could not be reached or opened, or lacks what `provision` makes.
            Refused: it does not let us in.
        """

    async def stop(self) -> None:
        """Finish writes in flight and close."""

    async def ping(self) -> None:
        """Raise `StoreUnavailable` unless the engine would take a write."""
