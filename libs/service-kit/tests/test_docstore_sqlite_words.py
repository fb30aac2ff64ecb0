"""Which plan of a search is weighed to be the cheapest, over words of all frequencies."""

from collections.abc import Sequence
from itertools import combinations_with_replacement

import pytest

from service_kit.docstore.sqlite_words import BY_ROW_MICROS, ROW_MICROS, Counted, cheapest, how_far

_MILLION = 1_000_000
_NO_MORE = -1
"""Terms that are too many to be sought one by one."""


@pytest.mark.parametrize("words", [1, 2, 3])
def test_a_search_is_bounded(words: int) -> None:
    """However frequent its words are, what a page is weighed to cost grows more slowly than the collection (V4)."""
    worst = {rows: _worst(words, rows, _NO_MORE, ROW_MICROS) for rows in (100_000, _MILLION, 10 * _MILLION)}

    assert worst[_MILLION] <= 120_000
    assert worst[10 * _MILLION] / worst[_MILLION] <= 5
    assert worst[_MILLION] / worst[100_000] <= 5


@pytest.mark.parametrize(("words", "micros"), [(1, 25_000), (2, 25_000), (3, 50_000)])
def test_whole_words_are_found_by_indexes(words: int, micros: int) -> None:
    """One or two words of a million documents are weighed to take half of what a page of a search may (V4)."""
    worst = {rows: _worst(words, rows, 1, BY_ROW_MICROS) for rows in (100_000, _MILLION, 10 * _MILLION)}

    assert worst[_MILLION] <= micros
    assert worst[10 * _MILLION] / worst[_MILLION] <= 5.5


def _worst(words: int, rows: int, terms: int, row_micros: float) -> float:
    """Of words of any frequencies, in microseconds."""
    cap = how_far(rows)[-1]
    frequencies = [max(1, min(cap, round(rows * 10 ** (-step / 4)))) for step in range(25)]
    asked = combinations_with_replacement(sorted(set(frequencies)), words)
    return max(
        cheapest([Counted(count, terms) for count in counts], cap, rows, has_order=True, row_micros=row_micros).micros
        for counts in asked
    )


@pytest.mark.parametrize(
    ("words", "looked_up", "walks"),
    [
        ([Counted(700, 1)], 1, False),
        ([Counted(15_000, 1)], 0, True),
        ([Counted(700, 1), Counted(250_001, 1)], 1, False),
        ([Counted(700, 9), Counted(250_001, _NO_MORE)], 1, False),
        ([Counted(18_000, 1), Counted(40_000, 3)], 2, False),
        ([Counted(250_001, 1), Counted(250_001, 1)], 0, True),
    ],
    ids=["rare", "usual", "rare and frequent", "rare, and many terms", "two usual", "two frequent"],
)
def test_what_is_chosen(words: Sequence[Counted], looked_up: int, walks: bool) -> None:  # noqa: FBT001 - a case
    """Rare words are looked up and their rows are asked for frequent ones; what is frequent is walked to."""
    plan = cheapest(words, how_far(_MILLION)[-1], _MILLION, has_order=True, row_micros=BY_ROW_MICROS)

    assert (plan.looked_up, plan.walks) == (looked_up, walks)


def test_counting_ends_where_it_cannot_pay() -> None:
    """A plan that costs twice as much as to count on is kept: what one more count may save is a part of it."""
    plan = cheapest([Counted(700, 20), Counted(100_001, 20)], 100_001, _MILLION, has_order=True, row_micros=2.0)

    assert plan.is_good_enough(250_001)
    assert not plan.is_good_enough(1_000)


def test_terms_that_can_be_sought_are_cheap() -> None:
    """To seek a frequent word for each row of a rare one costs a fraction of reading the lists of these rows."""
    cap = how_far(_MILLION)[-1]
    micros = [
        cheapest([Counted(700, 1), Counted(cap, terms)], cap, _MILLION, has_order=True, row_micros=BY_ROW_MICROS).micros
        for terms in (1, _NO_MORE)
    ]

    assert micros[0] <= 3_000
    assert micros[1] >= 4 * micros[0]
