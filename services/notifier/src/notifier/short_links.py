"""Short links in SMS (M8): which words are links, and what they are called. Pure."""

import re
from collections.abc import Sequence

from contracts.ids import derive_id

_LINK = re.compile(r"https?://[^\s<>\"']+")
_TRAILING = ".,;:!?)]}"
MOST_LINKS = 10
_LONGEST = 2000
_CODE_CHARACTERS = 12


def links_of(text: str) -> list[str]:
    """The http and https links of a text, in order, punctuation behind them left out."""
    found = [match.group().rstrip(_TRAILING) for match in _LINK.finditer(text)]
    return [link for link in found if len(link) <= _LONGEST][:MOST_LINKS]


def code_of(message_id: str, place: int) -> str:
    """The code of a message's n-th link: unguessable without the message's id, the same on every attempt."""
    return derive_id("s", "short-link", message_id, str(place)).removeprefix("s_")[:_CODE_CHARACTERS]


def shortened(text: str, links: Sequence[str], short: Sequence[str]) -> str:
    """The text with each link replaced by its short form, where that is shorter."""
    for link, replacement in zip(links, short, strict=True):
        if len(replacement) < len(link):
            text = text.replace(link, replacement, 1)
    return text
