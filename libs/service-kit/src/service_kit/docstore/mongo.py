"""The document store on MongoDB: the engine of production, one database for each service."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Generic, cast

from service_kit.docstore.fields import ID, IndexedFields
from service_kit.docstore.filters import Filter
from service_kit.docstore.mongo_connection import Client, MongoAccess, open_client, wait_until_ready
from service_kit.docstore.mongo_errors import in_our_words
from service_kit.docstore.mongo_queries import MongoQueries
from service_kit.docstore.mongo_records import Records
from service_kit.docstore.mongo_schema import count_ping, provision, verify
from service_kit.docstore.mongo_writes import MongoWrites
from service_kit.docstore.planning import require_index
from service_kit.docstore.port import Collection, CollectionSpec, D, Fate, Page, Sort

_MAX_PAGE = 1000
_PROVISION_SECONDS = 3600.0
"""An index of a large collection takes its time, and `deskbus init` holds up nobody."""


class MongoCollection(Generic[D]):
    """Documents of one model in one collection."""

    def __init__(self, spec: CollectionSpec[D], access: MongoAccess) -> None:
        self.records = Records(IndexedFields(spec))
        self._queries = MongoQueries(self.records)
        self._writes = MongoWrites(self.records)
        self._access = access

    async def get(self, document_id: str) -> D | None:
        """One document by id."""
        return (await self.get_many([document_id])).get(document_id)

    async def get_many(self, ids: Iterable[str]) -> Mapping[str, D]:
        """Those that exist, in one round trip."""
        return await self._access.run(partial(self._queries.get_many, ids=list(dict.fromkeys(ids))))

    async def insert_many(self, documents: Sequence[D]) -> Sequence[Fate]:
        """Insert each on its own."""
        return await self._access.run(partial(self._writes.insert, documents=tuple(documents)))

    async def replace_many(self, documents: Sequence[D]) -> Sequence[Fate]:
        """Replace each whose stored `rev` is the given one."""
        return await self._access.run(partial(self._writes.replace, documents=tuple(documents)))

    async def delete_many(self, documents: Sequence[D]) -> Sequence[Fate]:
        """Delete each whose stored `rev` is the given one."""
        return await self._access.run(partial(self._writes.delete, documents=tuple(documents)))

    async def find(
        self, where: Filter, *, sort: Sort | None = None, limit: int = 50, cursor: str | None = None
    ) -> Page[D]:
        """A page of matches."""
        if not 1 <= limit <= _MAX_PAGE:
            raise ValueError(f"a page holds 1 to {_MAX_PAGE} documents")
        require_index(self.records.fields, where, sort)
        read = partial(self._queries.find, where=where, sort=sort or Sort(ID), limit=limit, cursor=cursor)
        return await self._access.run(read)

    async def count(self, where: Filter, *, at_most: int = 1000) -> int:
        """How many match, and no more than `at_most`."""
        if at_most < 0:
            raise ValueError("at_most cannot be negative")
        require_index(self.records.fields, where)
        return await self._access.run(partial(self._queries.count, where=where, at_most=at_most))


class MongoDocStore:
    """All collections of one service in the database `database` of the engine at `url`.

    No single call waits longer than `timeout_seconds`; `start` waits for an engine that is away up to
    `ready_timeout_seconds`.
    """

    def __init__(
        self, url: str, *, database: str, timeout_seconds: float = 10.0, ready_timeout_seconds: float = 60.0
    ) -> None:
        self._url = url
        self._name = database
        self._timeout_seconds = timeout_seconds
        self._ready_timeout_seconds = ready_timeout_seconds
        self._access = MongoAccess(database)
        self._collections: dict[str, MongoCollection[Any]] = {}

    def collection(self, spec: CollectionSpec[D]) -> Collection[D]:
        """A typed collection. Declared before `start`; the same spec may be asked for again.

        Raises:
            ValueError: the name stands for another specification, or the specification could never work.
            RuntimeError: the store has started without it.
        """
        known = self._collections.get(spec.name)
        if known is None:
            if self._access.is_open:
                raise RuntimeError(f"collection {spec.name} must be declared before the store starts")
            known = self._collections[spec.name] = MongoCollection(spec, self._access)
        if known.records.fields.spec != spec:
            raise ValueError(f"collection {spec.name} is declared already, as something else")
        return cast("MongoCollection[D]", known)

    async def provision(self) -> None:
        """Make collections and indexes, and rewrite what an older declaration stored.

        Raises:
            StoreUnavailable: the engine did not answer, or stored documents do not fit what is declared now.
            Refused: it does not let us in.
        """
        # An engine that ends its connections is not tried again for so long.
        client = await self._ready_client(timeout_seconds=_PROVISION_SECONDS, tries_until_then=False)
        try:
            with in_our_words():
                await provision(client[self._name], self._declared())
        finally:
            await client.close()

    async def start(self) -> None:
        """Wait until the engine is ready, and check that all declared indexes are there.

        Raises:
            StoreUnavailable: it could not be reached in time, or lacks what `provision` makes.
            Refused: it does not let us in.
        """
        client = await self._ready_client(timeout_seconds=self._timeout_seconds)
        try:
            with in_our_words():
                await verify(client[self._name], self._declared())
        except BaseException:
            await client.close()
            raise
        self._access.open(client)

    async def stop(self) -> None:
        """Finish what is in flight and disconnect; whatever is asked afterwards gets `StoreUnavailable` at once."""
        await self._access.close()

    async def ping(self) -> None:
        """Have a write of no consequence confirmed.

        Raises:
            StoreUnavailable: that did not succeed.
        """
        await self._access.run(count_ping)

    def _declared(self) -> list[Records[Any]]:
        return [collection.records for collection in self._collections.values()]

    async def _ready_client(self, *, timeout_seconds: float, tries_until_then: bool = True) -> Client:
        client = open_client(self._url, timeout_seconds=timeout_seconds, tries_until_then=tries_until_then)
        try:
            await wait_until_ready(client, ready_timeout_seconds=self._ready_timeout_seconds)
        except BaseException:
            await client.close()
            raise
        return client
