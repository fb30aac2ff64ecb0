"""Random lives of a collection on the engine of production, or on what speaks its protocol here."""

from secrets import token_hex

import pytest
from hypothesis import settings
from pymongo import MongoClient

from engines import wanting
from service_kit.docstore.mongo import MongoDocStore
from service_kit.testing.docstore_machine import DocStoreMachine
from service_kit.testing.mongo_engines import tells_what_an_index_refused

pytestmark = pytest.mark.engines


class _Harness:
    """Stores on one database."""

    def __init__(self, url: str, database: str) -> None:
        self._url = url
        self._database = database

    def store(self) -> MongoDocStore:
        """Another store on the database."""
        return MongoDocStore(self._url, database=self._database)


class MongoMachine(DocStoreMachine):
    """The machine on MongoDB's protocol."""

    url = ""

    def new_harness(self) -> _Harness:
        """A database of its own."""
        self.database = f"deskbus_machine_{token_hex(6)}"
        return _Harness(self.url, self.database)

    def teardown(self) -> None:
        """Close, and drop the database."""
        super().teardown()
        with MongoClient(self.url) as client:
            client.drop_database(self.database)


@pytest.fixture(autouse=True)
def _engine(mongo_url: str) -> None:
    """Tell the machine where its engine is: a test case takes no fixture as argument."""
    if not tells_what_an_index_refused(mongo_url):  # it meets updates that a unique index refuses
        pytest.skip(wanting.reason(wanting.MONGODB))
    MongoMachine.url = mongo_url


TestMongoMachine = MongoMachine.TestCase
TestMongoMachine.settings = settings(max_examples=10, stateful_step_count=15)
