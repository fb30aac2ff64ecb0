"""Page cursors, written and read."""

import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service_kit.docstore import InvalidCursorError, Sort
from service_kit.docstore.cursor import Position, read_cursor, write_cursor

_TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
_VALUES = _TEXTS | st.integers(-(2**63) + 1, 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)


def _encoded(content: Any) -> str:
    return urlsafe_b64encode(json.dumps(content).encode()).decode()


@given(field=_TEXTS, descending=st.booleans(), value=_VALUES, document_id=_TEXTS)
def test_round_trip(field: str, descending: bool, value: str | float, document_id: str) -> None:  # noqa: FBT001 - drawn
    """A cursor gives back the position that it was made of, to the same sort only."""
    sort = Sort(field, descending)
    cursor = write_cursor(sort, Position(value, document_id))

    assert read_cursor(sort, cursor) == Position(value, document_id)
    with pytest.raises(InvalidCursorError):
        read_cursor(Sort(field, not descending), cursor)


@given(st.text() | st.binary().map(lambda raw: urlsafe_b64encode(raw).decode()))
def test_noise(cursor: str) -> None:
    """Whatever a request puts in its place is refused and nothing worse."""
    with pytest.raises(InvalidCursorError):
        read_cursor(Sort("at"), cursor)


@pytest.mark.parametrize(
    "content",
    [
        ["at", False, None, "a"],
        ["at", False, "x", None],
        ["at", False, "x", 5],
        ["at", False, ["x"], "a"],
        ["at", False, "x"],
        ["at", False, "x", "a", "b"],
        ["at", 0, "x", "a"],
        {"at": False},
        ["at", False, 2**63, "a"],
        ["at", False, "\ud800", "a"],
        ["at", False, "x", "\udfff"],
        ["at", False, float("nan"), "a"],
        ["at", False, float("-inf"), "a"],
    ],
    ids=str,
)
def test_forged(content: Any) -> None:
    """A well-formed cursor with a value that no engine could take is refused."""
    with pytest.raises(InvalidCursorError):
        read_cursor(Sort("at"), _encoded(content))


def test_nested() -> None:
    """A cursor of nothing but brackets does not exhaust the stack."""
    with pytest.raises(InvalidCursorError):
        read_cursor(Sort("at"), urlsafe_b64encode(b"[" * 12_000).decode())
