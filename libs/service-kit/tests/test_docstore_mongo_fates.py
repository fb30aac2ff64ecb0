"""What stands between one bulk call and its fates, without an engine."""

import asyncio
import gc
from dataclasses import replace

import pytest
from pymongo import AsyncMongoClient
from pymongo.errors import AutoReconnect, BulkWriteError, OperationFailure, PyMongoError, ServerSelectionTimeoutError

from service_kit.docstore import DocumentTooLarge, Fate, Index, StoreUnavailable
from service_kit.docstore.body import MAX_BODY_BYTES, body_of
from service_kit.docstore.fields import IndexedFields
from service_kit.docstore.mongo_connection import MongoAccess
from service_kit.docstore.mongo_errors import as_ours
from service_kit.docstore.mongo_records import WRITER_SLOTS, Content, Records, writer_slot
from service_kit.docstore.mongo_writes import fate_of_replace
from service_kit.docstore.waves import waves
from service_kit.errors import DeskbusError, Refused
from service_kit.testing.docstore_harness import LETTERS, letter

MINE, THEIRS = "mine", "theirs"


def test_those_who_claim_the_same_follow_each_other() -> None:
    """Each waits for the last of those before it that claim what it claims, and for nobody else."""

    assert waves([]) == []
    assert waves([["a"], ["b"], ["c"]]) == [[0, 1, 2]]
    assert waves([["a"], ["a"], ["b"], ["a"]]) == [[0, 2], [1], [3]]
    assert waves([["a", "x"], ["b", "x"], ["b", "y"], ["c", "y"]]) == [[0], [1], [2], [3]]
    assert waves([["a"], []]) == [[0, 1]]


@pytest.mark.parametrize(
    ("stored", "fate"),
    [
        (None, Fate.STALE),
        ({"rev": 3, "writers": {}}, Fate.STALE),
        ({"rev": 4, "writers": {writer_slot(4): MINE}}, Fate.DONE),
        ({"rev": 4, "writers": {writer_slot(4): THEIRS}}, Fate.STALE),
        ({"rev": 6, "writers": {writer_slot(4): MINE, writer_slot(5): THEIRS, writer_slot(6): THEIRS}}, Fate.DONE),
        ({"rev": 6, "writers": {writer_slot(4): THEIRS, writer_slot(5): THEIRS}}, Fate.STALE),
    ],
    ids=["gone", "not written", "mine", "another's", "mine, and others since", "others'"],
)
def test_who_wrote_a_revision(stored: Content | None, fate: Fate) -> None:
    """Whether a replace was DONE is read from the slot of its revision, whatever others have written since (A6)."""
    record = Records(IndexedFields(LETTERS)).record(letter("a"), 4)

    assert fate_of_replace(record, MINE, stored) is fate


def test_overtaken_too_often() -> None:
    """When so many have written since that the slot was used again, nothing is claimed."""
    record = Records(IndexedFields(LETTERS)).record(letter("a"), 4)
    stored = {"rev": 4 + WRITER_SLOTS, "writers": {writer_slot(4): THEIRS}}

    with pytest.raises(StoreUnavailable, match="by whom is not known"):
        fate_of_replace(record, MINE, stored)


def test_equal_numbers_claim_the_same() -> None:
    """A whole float and its integer are one unique value, as they are in every index; without a value none is."""
    spec = replace(LETTERS, indexes=(Index(("weight", "number"), unique=True),))
    records = Records(IndexedFields(spec))

    assert records.record(letter("a", weight=1.0, number=1), 1).claims == {("weight,number", "[1,1]")}
    assert records.record(letter("a", weight=-0.0, number=1), 1).claims == {("weight,number", "[0,1]")}
    assert records.record(letter("a", weight=1.0), 1).claims == frozenset()


def test_a_body_has_a_limit() -> None:
    """The limit counts bytes, not characters."""
    fitting = letter("a").model_copy(update={"text": "é" * (MAX_BODY_BYTES // 2 - 500)})

    assert len(body_of(fitting, 1).encode()) <= MAX_BODY_BYTES
    with pytest.raises(DocumentTooLarge):
        body_of(fitting.model_copy(update={"text": fitting.text + "é" * 500}), 1)


def _bulk(code: int, *, concern: int | None = None) -> BulkWriteError:
    errors = [{"index": 0, "code": code, "errmsg": "a secret"}]
    return BulkWriteError({"writeErrors": errors, "writeConcernErrors": [{"code": concern}] if concern else []})


@pytest.mark.parametrize(
    ("error", "ours"),
    [
        (AutoReconnect("connection closed"), StoreUnavailable),
        (ServerSelectionTimeoutError("no servers"), StoreUnavailable),
        (OperationFailure("a secret", 10107), StoreUnavailable),
        (OperationFailure("a secret", 14031), StoreUnavailable),
        (OperationFailure("a secret", 18), Refused),
        (OperationFailure("a secret", 13), Refused),
        (OperationFailure("bad operator", 2), None),
        (_bulk(11000), None),
        (_bulk(11000, concern=64), StoreUnavailable),
        (_bulk(14031), StoreUnavailable),
        (_bulk(13), Refused),
        (_bulk(2), None),
    ],
    ids=str,
)
def test_errors_in_our_words(error: PyMongoError, ours: type[DeskbusError] | None) -> None:
    """Who must act is told by the type; a server's own text, which may quote a document, is not repeated."""
    told = as_ours(error)

    assert type(told) is (ours or type(None))
    assert "secret" not in str(told)


async def test_a_call_whose_caller_left_fails_in_silence(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever gave up has said why; that the call failed later is nobody's error in the log."""
    access, go_on = MongoAccess("deskbus"), asyncio.Event()
    access.open(AsyncMongoClient("mongodb://127.0.0.1:1"))

    async def fail(_database: object) -> None:
        await go_on.wait()
        raise AutoReconnect("gone")

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await access.run(fail)
    go_on.set()
    await access.close()
    gc.collect()

    assert caplog.records == []
