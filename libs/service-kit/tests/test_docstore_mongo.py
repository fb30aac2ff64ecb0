"""The document-store contract on the engine of production, or on what speaks its protocol here."""

from collections.abc import AsyncIterator
from secrets import token_hex

import pytest
import pytest_asyncio
from pymongo import AsyncMongoClient

from engines import wanting
from service_kit.docstore.mongo import MongoDocStore
from service_kit.testing.docstore_contract import DocStoreContract
from service_kit.testing.mongo_engines import tells_what_an_index_refused

_REFUSED_UPDATES = frozenset({"test_replace_meets_a_unique_index"})
"""What meets updates that a unique index refuses."""


class MongoHarness:
    """Stores on one database."""

    def __init__(self, url: str, database: str) -> None:
        self._url = url
        self._database = database

    def store(self) -> MongoDocStore:
        """Another store on the database."""
        return MongoDocStore(self._url, database=self._database)


@pytest_asyncio.fixture
async def harness(mongo_url: str) -> AsyncIterator[MongoHarness]:
    """A database of this test's own."""
    database = f"deskbus_test_{token_hex(6)}"
    yield MongoHarness(mongo_url, database)
    async with AsyncMongoClient(mongo_url) as client:
        await client.drop_database(database)


@pytest.mark.engines
class TestMongoDocStore(DocStoreContract):
    """Every promise of the port."""

    @pytest.fixture(autouse=True)
    def _only_what_the_engine_can_show(self, request: pytest.FixtureRequest, mongo_url: str) -> None:
        if request.node.originalname in _REFUSED_UPDATES and not tells_what_an_index_refused(mongo_url):
            pytest.skip(wanting.reason(wanting.MONGODB))
