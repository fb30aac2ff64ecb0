import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.topics import TOPICS
from service_kit.bus.codec import (
    MAX_RECORD_BYTES,
    EventCodec,
    ForeignEvent,
    Malformed,
    RecordTooLarge,
    UnknownType,
    Unwanted,
)
from service_kit.bus.record import Record
from service_kit.bus.valkey.streams import fields_of, id_order, records_of
from service_kit.testing.bus_harness import StepTaken, WalkEnded, new_topic, step

TOPIC = new_topic(StepTaken)
CODEC = EventCodec([TOPIC], source="tickets")


def test_round_trip() -> None:
    """An event comes back equal, under its own key, with the CloudEvents attributes as headers."""
    record = CODEC.encode(step(1))

    assert CODEC.decode(TOPIC, record) == step(1)
    assert record.key == "acc_1/ann"
    assert record.headers["ce_source"] == "/deskbus/tickets"


def test_type_without_header() -> None:
    """A sink that drops headers costs nothing: the body tells its type."""
    assert CODEC.decode(TOPIC, Record("acc_1/ann", step(1).payload())) == step(1)


@pytest.mark.parametrize(
    ("value", "headers", "expected"),
    [
        (b"\xff", {}, Malformed("not_json", "ValueError")),
        (b"[1]", {}, Malformed("no_type", "KeyError")),
        (b'{"type": 7}', {}, Malformed("no_type", "KeyError")),
        (b"{}", {"ce_type": "support.step.taken.v1"}, Malformed("invalid", "ValidationError")),
        (step(1).payload(), {"ce_type": "support.step.taken.v2"}, UnknownType("support.step.taken.v2")),
        (b"[" * 100_000, {}, Malformed("not_json", "ValueError")),
    ],
)
def test_what_is_no_event(value: bytes, headers: dict[str, str], expected: Malformed | UnknownType) -> None:
    """What cannot be read ends in a reason, never in an exception."""
    assert CODEC.decode(TOPIC, Record("acc_1/ann", value, headers)) == expected


def test_unwanted_types_are_not_looked_at() -> None:
    """What a reader does not handle it tells by the header; the body is not even decoded."""
    codec = EventCodec([both := new_topic(StepTaken, WalkEnded)], source="tickets")
    broken = Record("acc_1/ann", b"not read", {"ce_type": "support.step.taken.v1"})

    assert codec.decode(both, broken, only=(WalkEnded,)) == Unwanted()
    assert codec.decode(both, codec.encode(step(1)), only=(StepTaken,)) == step(1)


def test_header_and_body_must_agree() -> None:
    """A record whose header claims another type than its body is malformed."""
    codec = EventCodec([both := new_topic(StepTaken, WalkEnded)], source="tickets")
    record = Record("acc_1/ann", step(1).payload(), {"ce_type": "support.walk.ended.v1"})

    assert codec.decode(both, record) == Malformed("invalid", "ValidationError")


def test_limit_on_size() -> None:
    """A record may hold a mebibyte of key, value and headers together, and not a byte more."""
    room = MAX_RECORD_BYTES - CODEC.encode(step(1)).size

    assert CODEC.encode(step(1, note="x" * room)).size == MAX_RECORD_BYTES
    with pytest.raises(RecordTooLarge):
        CODEC.encode(step(1, note="x" * (room + 1)))


def test_topic_of_event() -> None:
    """An event belongs to one topic, and one of no topic is refused."""
    assert CODEC.topic_of(step(1)) is TOPIC
    with pytest.raises(ForeignEvent):
        EventCodec([new_topic(WalkEnded)], source="tickets").topic_of(step(1))


def test_topics_must_not_share_events() -> None:
    """Two topics with one event, or one topic twice, are a mistake that shows at once."""
    with pytest.raises(ValueError, match="StepTaken is on"):
        EventCodec([TOPIC, new_topic(StepTaken)], source="tickets")
    with pytest.raises(ValueError, match="given twice"):
        EventCodec([TOPIC, TOPIC], source="tickets")


def test_all_topics_of_the_contract() -> None:
    """Every event of the contract can be told by its type."""
    EventCodec(TOPICS, source="tickets")


@settings(deadline=None)
@given(
    key=st.binary(max_size=20),
    value=st.binary(max_size=50),
    headers=st.dictionaries(st.text(max_size=10), st.text(max_size=10), max_size=3),
)
def test_stream_entries_keep_every_byte(key: bytes, value: bytes, headers: dict[str, str]) -> None:
    """A record survives a stream entry unchanged, also when its key is not text."""
    record = Record(key.decode("utf-8", "surrogateescape"), value, headers, position="5-1")
    fields = {
        name.encode(): field.encode() if isinstance(field, str) else field for name, field in fields_of(record).items()
    }

    assert records_of([(b"5-1", fields)]) == [record]
    assert fields[b"key"] == key


@pytest.mark.parametrize("headers", [b"{", b"[]", b"\xff", b'{"a": 1}'])
def test_foreign_entries_are_read(headers: bytes) -> None:
    """What a foreign producer left out or garbled is empty, for the codec to judge."""
    assert records_of([(b"5-1", {b"headers": headers})]) == [Record("", b"", {}, "5-1")]


def test_ids_compare_as_numbers() -> None:
    """The order of stream ids is that of two numbers, not of text."""
    assert id_order("9-0") < id_order("10-0") < id_order("10-2") < id_order("10-10")
