from collections.abc import Iterator

import pytest
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from engines.documents import DocumentEngine

pytestmark = [pytest.mark.engines, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def engine(local_engines: None) -> Iterator[DocumentEngine]:
    """One of our own, whatever the run was given."""
    with DocumentEngine() as engine:
        yield engine


def test_a_killed_engine_comes_back_with_its_data(engine: DocumentEngine):
    """What was confirmed is there on the same address."""
    with MongoClient[dict[str, object]](engine.url) as client:
        client["kept"]["tickets"].insert_one({"_id": "t1"})
        engine.kill()
        assert engine.pid is None
        engine.start()

        assert client["kept"]["tickets"].find_one() == {"_id": "t1"}


def test_a_suspended_engine_answers_nothing_until_it_is_resumed(engine: DocumentEngine):
    """As a machine that hangs: its connections stay open."""
    with MongoClient[dict[str, object]](engine.url, timeoutMS=1500) as hasty:
        hasty.admin.command("ping")
        engine.suspend()
        try:
            with pytest.raises(PyMongoError):
                hasty.admin.command("ping")
        finally:
            engine.resume()
    with MongoClient[dict[str, object]](engine.url) as client:
        assert client.admin.command("ping")["ok"] == 1


def test_the_name_says_what_it_is(engine: DocumentEngine):
    """FerretDB is never called MongoDB, nor the other way round."""
    with MongoClient[dict[str, object]](engine.url) as client:
        is_ferretdb = "ferretdbVersion" in client.admin.command("buildInfo")

    assert engine.name.startswith("FerretDB") == is_ferretdb
    assert is_ferretdb == ("not MongoDB" in engine.name)
