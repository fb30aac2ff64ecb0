"""What somebody types to search tickets: numbers of tickets, and words (V4). Pure."""

import re
from dataclasses import dataclass

_NUMBER = re.compile(r"(?<!\S)#([0-9]{1,12})(?!\S)")


@dataclass(frozen=True, slots=True)
class SearchText:
    """`#123` is the ticket of that number and no other; 123 is also a word that a message may hold."""

    numbers: tuple[int, ...]
    words: str | None


def search_text(typed: str) -> SearchText:
    """The two kinds apart; only numbers leaves no words to look for."""
    numbers = tuple(int(found) for found in _NUMBER.findall(typed))
    rest = _NUMBER.sub(" ", typed).strip()
    return SearchText(numbers, rest if rest or not numbers else None)
