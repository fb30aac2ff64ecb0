"""That MongoDB itself answers every query from an index; what only speaks its protocol cannot show that."""

from collections.abc import AsyncIterator, Iterator
from secrets import token_hex
from typing import Any

import pytest
import pytest_asyncio

from service_kit.docstore import All, Eq, Sort
from service_kit.docstore.fields import IndexedFields
from service_kit.docstore.mongo import MongoDocStore
from service_kit.docstore.mongo_connection import Database
from service_kit.docstore.mongo_filters import condition
from service_kit.docstore.mongo_records import Records
from service_kit.testing.docstore_harness import LETTERS, Letter, Person, State, letter, running
from service_kit.testing.docstore_query_contract import EXPECTED

pytestmark = pytest.mark.engines

_LETTERS = 1_000
_FROM_AN_INDEX = {"IXSCAN", "IDHACK", "EOF", "COUNT_SCAN", "EXPRESS_IXSCAN"}


def _numbered(number: int) -> Letter:
    return letter(
        f"l{number:05}",
        number=number,
        state=State.SENT if number % 2 else State.WRITTEN,
        weight=float(number),
        reader=Person(id=f"p{number % 50}", town="Oslo" if number % 2 else "Rome"),
        labels=["common", f"l{number % 20}"],
        text=f"hello w{number}",
    )


@pytest_asyncio.fixture
async def database(real_mongo_url: str) -> AsyncIterator[Database]:
    """A thousand letters."""
    name = f"deskbus_plans_{token_hex(6)}"
    store = MongoDocStore(real_mongo_url, database=name)
    letters = store.collection(LETTERS)
    async with running(store):
        await letters.insert_many([_numbered(number) for number in range(_LETTERS)])
        assert store._access._client is not None
        yield store._access._client[name]
        await store._access._client.drop_database(name)


def _stages(plan: Any) -> Iterator[str]:
    """The names of all stages of a plan, whatever they stand in."""
    if isinstance(plan, dict):
        if "stage" in plan:
            yield plan["stage"]
        for part in plan.values():
            yield from _stages(part)
    if isinstance(plan, list):
        for part in plan:
            yield from _stages(part)


async def test_every_filter_is_led_by_an_index(database: Database) -> None:
    """No form of the filter language looks at a whole collection."""
    records = Records(IndexedFields(LETTERS))
    scanned: dict[str, set[str]] = {}
    for name, (where, _) in EXPECTED.items():
        answer = await database["letters"].find(condition(records, where)).limit(50).explain()
        stages = set(_stages(answer["queryPlanner"]["winningPlan"]))
        if "COLLSCAN" in stages or not stages & _FROM_AN_INDEX:
            scanned[name] = stages

    assert scanned == {}


async def test_a_page_is_read_in_the_order_of_its_index(database: Database) -> None:
    """A page of an account by a sorted field is read off an index; nothing is sorted in memory."""
    records = Records(IndexedFields(LETTERS))
    where = condition(records, All(Eq("account_id", "acme")))
    path = records.path(Sort("weight").field)
    answer = await database["letters"].find(where, sort=[(path, -1), ("_id", -1)]).limit(50).explain()
    stages = set(_stages(answer["queryPlanner"]["winningPlan"]))

    assert "IXSCAN" in stages
    assert "SORT" not in stages


async def test_what_a_prefix_costs(database: Database) -> None:
    """A prefix is a range of the token index: as many keys are looked at as begin with it, and few more."""
    records = Records(IndexedFields(LETTERS))
    where, _ = EXPECTED["match prefix"]
    answer = await database["letters"].find(condition(records, where)).explain()

    assert answer["executionStats"]["totalKeysExamined"] <= 2
