import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service_kit.merge_patch import merge


@pytest.mark.parametrize(
    ("target", "patch", "expected"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_the_examples_of_the_rfc(target: Any, patch: Any, expected: Any):
    """Appendix A of RFC 7396, every row."""
    untouched = copy.deepcopy((target, patch))
    merged = merge(target, patch)

    assert merged == expected
    assert (target, patch) == untouched


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda children: st.lists(children, max_size=2) | st.dictionaries(st.sampled_from("abc"), children, max_size=3),
    max_leaves=8,
)


@given(values, values)
def test_applying_a_patch_again_changes_nothing(target: Any, patch: Any):
    """A merge patch is idempotent, so that a repeated PATCH is harmless."""
    once = merge(target, patch)

    assert merge(once, patch) == once


@given(values)
def test_an_empty_patch_changes_no_object(target: Any):
    """What a patch does not name stays."""
    expected = target if isinstance(target, dict) else {}

    assert merge(target, {}) == expected
