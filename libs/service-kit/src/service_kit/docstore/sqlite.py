"""The document store on one SQLite file: the engine of the single-machine mode, and of tests."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, Generic, cast

from service_kit.docstore.fields import ID, IndexedFields
from service_kit.docstore.filters import Filter, Match
from service_kit.docstore.planning import conjuncts, require_index
from service_kit.docstore.port import Collection, CollectionSpec, D, Fate, Page, Sort, StoreUnavailable
from service_kit.docstore.sqlite_connection import SqliteFile, as_unavailable
from service_kit.docstore.sqlite_queries import DocumentQueries
from service_kit.docstore.sqlite_reads import StoreReads
from service_kit.docstore.sqlite_schema import count_ping, prepare
from service_kit.docstore.sqlite_table import Table
from service_kit.docstore.sqlite_writer import GroupCommitWriter
from service_kit.docstore.sqlite_writes import DocumentWrites

_READER_THREADS = 4
_MAX_PAGE = 1000
_MOST_AT_ONCE = 32
"""Documents by id that are decoded on the event loop; of more it would notice."""


class SqliteCollection(Generic[D]):
    """Documents of one model in one file."""

    def __init__(self, spec: CollectionSpec[D], reads: StoreReads, writer: GroupCommitWriter) -> None:
        self.table = Table(IndexedFields(spec))
        self._queries = DocumentQueries(self.table)
        self._writes = DocumentWrites(self.table)
        self._reads = reads
        self._writer = writer

    async def get(self, document_id: str) -> D | None:
        """One document by id."""
        return (await self.get_many([document_id])).get(document_id)

    async def get_many(self, ids: Iterable[str]) -> Mapping[str, D]:
        """Those that exist, in one round trip."""
        wanted = list(dict.fromkeys(ids))
        if not wanted:
            return {}
        if len(wanted) <= _MOST_AT_ONCE:
            return await self._reads.run(partial(self._queries.get_many, ids=wanted))
        read = partial(self._queries.get_many, ids=wanted, ahead=self._reads.ahead)
        return await self._reads.run(read, is_long=True)

    async def insert_many(self, documents: Sequence[D]) -> Sequence[Fate]:
        """Insert each on its own."""
        return await self._write(self._writes.insert, documents)

    async def replace_many(self, documents: Sequence[D]) -> Sequence[Fate]:
        """Replace each whose stored `rev` is the given one."""
        return await self._write(self._writes.replace, documents)

    async def delete_many(self, documents: Sequence[D]) -> Sequence[Fate]:
        """Delete each whose stored `rev` is the given one."""
        return await self._write(self._writes.delete, documents)

    async def find(
        self, where: Filter, *, sort: Sort | None = None, limit: int = 50, cursor: str | None = None
    ) -> Page[D]:
        """A page of matches."""
        if not 1 <= limit <= _MAX_PAGE:
            raise ValueError(f"a page holds 1 to {_MAX_PAGE} documents")
        require_index(self.table.fields, where, sort)
        read = partial(self._queries.find, where=where, sort=sort or Sort(ID), limit=limit, cursor=cursor)
        if not any(isinstance(part, Match) for part in conjuncts(where)):
            return await self._reads.run(read)
        # What has a word lies anywhere in the file, while lists show what was written together.
        return await self._reads.run(partial(read, ahead=self._reads.ahead), is_long=True)

    async def count(self, where: Filter, *, at_most: int = 1000) -> int:
        """How many match, and no more than `at_most`."""
        if at_most < 0:
            raise ValueError("at_most cannot be negative")
        require_index(self.table.fields, where)
        return await self._reads.run(partial(self._queries.count, where=where, at_most=at_most))

    async def _write(self, write: Callable[[sqlite3.Connection, D], Fate], documents: Sequence[D]) -> Sequence[Fate]:
        mine = tuple(documents)
        if not mine:
            return []

        def work(connection: sqlite3.Connection) -> list[Fate]:
            return [write(connection, document) for document in mine]

        return await self._writer.run(work, weight=len(mine))


class SqliteDocStore:
    """All collections of one service in the file at `path`.

    `max_pages` caps the file's size (then writes raise `StoreUnavailable` until something is deleted).
    """

    def __init__(self, path: Path, *, busy_timeout_seconds: float = 5.0, max_pages: int | None = None) -> None:
        self._file = SqliteFile(path, busy_timeout_seconds, max_pages)
        self._reads = StoreReads(self._file, threads=_READER_THREADS)
        self._writer = GroupCommitWriter(self._file.open_writer)
        self._collections: dict[str, SqliteCollection[Any]] = {}
        self._started = False

    def collection(self, spec: CollectionSpec[D]) -> Collection[D]:
        """A typed collection. Declared before `start`; the same spec may be asked for again.

        Raises:
            ValueError: the name stands for another specification, or the specification could never work.
            RuntimeError: the store has started without it.
        """
        known = self._collections.get(spec.name)
        if known is None:
            if self._started:
                raise RuntimeError(f"collection {spec.name} must be declared before the store starts")
            known = self._collections[spec.name] = SqliteCollection(spec, self._reads, self._writer)
        if known.table.fields.spec != spec:
            raise ValueError(f"collection {spec.name} is declared already, as something else")
        return cast("SqliteCollection[D]", known)

    async def provision(self) -> None:
        """Create what is declared in the file, or bring it up to date.

        Raises:
            StoreUnavailable: the file cannot be used, or its documents do not fit what is declared now.
        """
        await asyncio.to_thread(self._prepare)

    async def start(self) -> None:
        """Open the file, and create or bring up to date what is declared.

        Raises:
            StoreUnavailable: the file cannot be used, or its documents do not fit what is declared now.
        """
        await asyncio.to_thread(self._prepare)
        self._started = True
        self._writer.start()
        self._reads.start()
        for table in (collection.table for collection in self._collections.values()):
            if table.by_row is not None:
                self._reads.ahead.warm(table.name, table.by_row.name)

    async def stop(self) -> None:
        """Finish writes in flight and close; whatever is asked afterwards gets `StoreUnavailable` at once."""
        await self._writer.stop()
        await self._reads.stop()
        self._started = False

    async def ping(self) -> None:
        """Commit a write.

        Raises:
            StoreUnavailable: that did not succeed.
        """
        await self._writer.run(count_ping)

    def _prepare(self) -> None:
        try:
            self._file.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(self._file.open_writer()) as connection:
                prepare(connection, [collection.table for collection in self._collections.values()])
        except sqlite3.Error as error:
            unavailable = as_unavailable(error)
            if unavailable is None:
                raise
            raise unavailable from error
        except OSError as error:
            raise StoreUnavailable(f"the store's folder cannot be used: {error}") from error
