"""How a search is cheapest: which words to look up among their entries, and whether to walk from the newest. Pure.

A word's entries (term, row) are read a hundred times as fast as the rows themselves. So rows are read last: those that
have all words that were looked up, or, on a walk along an index, those of its steps that have them. What that costs at
most grows more slowly than the collection: words that are frequent are not looked up, and a walk soon meets them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod

PAGE_ROWS = 51

_FURTHER = (2, 10, 40)
_MET_AT_EVERY = 4
"""A walk that meets a word at every fourth step needs to know nothing more of it."""

_COUNTED_MICROS = 0.05
_SCANNED_MICROS = 0.1
_REMEMBERED_MICROS = 0.35
"""What an entry costs that is counted, that is read, and with which others are compared."""

_STEP_MICROS = 0.15
_ROW_MICROS = 10.0
LISTS_MICROS = 20.0
"""What a row costs that is asked for words: its lists are long. All measured with half a million entries and more."""


@dataclass(frozen=True, slots=True)
class WordPlan:
    """To look up so many of the rarest words; then to walk until a page is full, or to read all rows that have them."""

    looked_up: int
    walks: bool
    micros: float

    def is_cheaper_than_to_count(self, entries: int) -> bool:
        """Whether so many more entries cost more to count than all of it."""
        return self.micros <= entries * _COUNTED_MICROS


def how_far(rows: int) -> Sequence[int]:
    """How far the entries of each word are counted, among so many rows: not far at first, then further if it pays."""
    return sorted({round(min(factor * rows ** (2 / 3), rows / _MET_AT_EVERY)) + 1 for factor in _FURTHER})


def cheapest(counts: Sequence[int], counted_to: int, rows: int, *, has_order: bool) -> WordPlan:
    """The plan for words with so many entries, the rarest first; those with `counted_to` may have any number more.

    How many rows have several words is guessed as if these had nothing to do with each other. Without an order that an
    index gives, a walk is one past all rows.
    """
    plans = _plans(counts, sum(count < counted_to for count in counts), max(rows, 1), has_order=has_order)
    return min(plans, key=lambda plan: plan.micros)


def _plans(counts: Sequence[int], known: int, rows: int, *, has_order: bool) -> Iterator[WordPlan]:
    shares = [max(count, 1) / rows for count in counts]
    steps = min(rows, PAGE_ROWS / prod(shares)) if has_order else rows
    for number in range(known + 1):
        remembered, share = sum(counts[:number]) * _REMEMBERED_MICROS, prod(shares[:number])
        asked = LISTS_MICROS if number < len(counts) else 0.0
        if number:
            scanned = counts[number - 1] * (_SCANNED_MICROS - _REMEMBERED_MICROS)
            read = rows * share * max(asked, _ROW_MICROS)
            yield WordPlan(number, walks=False, micros=remembered + scanned + read)
        if not number or has_order:
            yield WordPlan(number, walks=True, micros=remembered + steps * (_STEP_MICROS + share * asked))
