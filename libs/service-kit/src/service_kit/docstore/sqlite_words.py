"""How a search is cheapest: which words to look up among their entries, and whether to walk from the newest. Pure.

A word's entries (term, row) are read a hundred times as fast as the rows themselves. So rows are read last: those that
have all words that were looked up, or, on a walk along an index, those of its steps that have them. Of these, the other
words are asked: each of its few terms is sought with the row's number, or the row's own lists are read, which is dear.
What that costs at most grows more slowly than the collection: words that are frequent are not looked up, and a walk
soon meets them.
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
_SOUGHT_MICROS = 0.4
_TERM_MICROS = 0.4
"""What it costs to find out whether a row has a word, by its number alone, and for each of the word's terms."""

BY_ROW_MICROS = 2.0
ROW_MICROS = 10.0
LISTS_MICROS = 20.0
"""What a row costs that is found in the index by row, that is read itself, and that is asked for words: its lists are
long. All measured with half a million entries and more, in memory; a row that is on disk costs ten times as much."""


@dataclass(frozen=True, slots=True, order=True)
class Counted:
    """How many entries a word has, as far as they were counted; and how many terms, -1 where these are too many."""

    entries: int
    terms: int = -1


@dataclass(frozen=True, slots=True)
class WordPlan:
    """To look up so many of the rarest words; then to walk until a page is full, or to read all rows that have them."""

    looked_up: int
    walks: bool
    micros: float

    def is_good_enough(self, entries: int) -> bool:
        """Whether to count so many more entries costs more than half of it: a better plan would hardly save that."""
        return self.micros <= 2 * entries * _COUNTED_MICROS


def how_far(rows: int) -> Sequence[int]:
    """How far the entries of each word are counted, among so many rows: not far at first, then further if it pays."""
    return sorted({round(min(factor * rows ** (2 / 3), rows / _MET_AT_EVERY)) + 1 for factor in _FURTHER})


def cheapest(
    words: Sequence[Counted], counted_to: int, rows: int, *, has_order: bool, row_micros: float = ROW_MICROS
) -> WordPlan:
    """The plan for these words, the rarest first; those with `counted_to` entries may have any number more.

    How many rows have several words is guessed as if these had nothing to do with each other. Without an order that an
    index gives, a walk is one past all rows. A row that is found costs `row_micros` before it is asked for words.
    """
    known = sum(word.entries < counted_to for word in words)
    plans = _plans(words, known, max(rows, 1), has_order=has_order, row_micros=row_micros)
    return min(plans, key=lambda plan: plan.micros)


def _plans(
    words: Sequence[Counted], known: int, rows: int, *, has_order: bool, row_micros: float
) -> Iterator[WordPlan]:
    counts = [word.entries for word in words]
    shares = [max(count, 1) / rows for count in counts]
    steps = min(rows, PAGE_ROWS / prod(shares)) if has_order else rows
    for number in range(known + 1):
        remembered, share = sum(counts[:number]) * _REMEMBERED_MICROS, prod(shares[:number])
        sought, left, lists = _asked(words[number:], rows)
        if number:
            scanned = counts[number - 1] * (_SCANNED_MICROS - _REMEMBERED_MICROS)
            read = rows * share * (sought + left * (row_micros + lists))
            yield WordPlan(number, walks=False, micros=remembered + scanned + read)
        if not number or has_order:
            walked = steps * (_STEP_MICROS + share * (sought + left * lists))
            yield WordPlan(number, walks=True, micros=remembered + walked)


def _asked(words: Sequence[Counted], rows: int) -> tuple[float, float, float]:
    """To seek these words for a row, those of few terms first, costs how much, and leaves which share of rows.

    The third is what each of these costs besides, whose lists are read.
    """
    micros, left = 0.0, 1.0
    for word in sorted(words, key=lambda word: word.terms):
        if word.terms >= 0:
            micros += left * (_SOUGHT_MICROS + word.terms * _TERM_MICROS)
            left *= max(word.entries, 1) / rows
    return micros, left, LISTS_MICROS if any(word.terms < 0 for word in words) else 0.0
