"""Pages of a list that is read whole."""

from base64 import urlsafe_b64encode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service_kit.docstore import InvalidCursorError
from service_kit.http.whole_lists import page_of

Item = tuple[str, str]

ITEMS = st.lists(st.tuples(st.sampled_from("abc"), st.text("xyz", max_size=3)), unique_by=lambda item: item[1])


def itself(item: Item) -> Item:
    """A thing that is its own place."""
    return item


@given(items=ITEMS, limit=st.integers(1, 4))
@settings(max_examples=30)
def test_pages_make_up_the_list(items: list[Item], limit: int) -> None:
    """Every thing is in one page, none in two, in the order of the list; only the last page has no cursor."""
    pages, cursor = [], None
    while not pages or cursor is not None:
        page = page_of(items, itself, order="items", limit=limit, cursor=cursor)
        pages.append(page.items)
        cursor = page.next_cursor

    assert [item for page in pages for item in page] == sorted(items)
    assert all(len(page) == limit for page in pages[:-1])


def test_what_is_removed_meanwhile_shifts_nothing() -> None:
    """The next page begins behind the last thing shown, although that one is gone and others came before it."""
    items = [("a", "1"), ("b", "2"), ("c", "3")]
    first = page_of(items, itself, order="items", limit=2, cursor=None)
    second = page_of([("a", "0"), ("c", "3")], itself, order="items", limit=2, cursor=first.next_cursor)

    assert second.items == [("c", "3")]


@pytest.mark.parametrize(
    "cursor",
    [
        "?",
        "bm9uZQ",
        urlsafe_b64encode(b'["items",false,7,"1"]').decode(),
        urlsafe_b64encode(b'["x",false,"a","1"]').decode(),
    ],
)
def test_a_cursor_of_anything_else_is_refused(cursor: str) -> None:
    """A text that this list did not hand out is a fault of the request."""
    with pytest.raises(InvalidCursorError):
        page_of([("a", "1")], itself, order="items", limit=1, cursor=cursor)
