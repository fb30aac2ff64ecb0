"""Search tokens: the words of a text in the form in which documents store them and `Match` looks for them.

Letters lose case and accents, everything that is neither letter nor digit separates. E-mail addresses and
telephone numbers are kept whole beside their parts, so that a search for one finds it and little else.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator

MAX_TOKENS = 400
MAX_TOKEN_CHARACTERS = 64
MAX_TEXT_CHARACTERS = 100_000
MAX_QUERY_WORDS = 16
MAX_QUERY_CHARACTERS = 500

_BREAK = re.compile(r"[\s<>()\[\]{}\"'`,;:|\\]+")
_WORD = re.compile(r"[^\W_]+")
_EDGES = "@.+-_!?*#&/=~"

# Thai, Lao, Burmese, Khmer, kana and Han: written without blanks, so that a "word" is a sentence.
_UNSPACED = re.compile(
    "([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\U00020000-\U0002fa1f]+)"
)

# A digit, then digits and what people put between them. Both ends are digits, so the run cannot backtrack far.
_DIGIT_RUN = re.compile(r"[+(]?[0-9][0-9 ().\-/]*[0-9]")
# What in a query is one number for certain: with a prefix, or without blanks between its groups.
_QUERY_NUMBER = re.compile(r"(?<!\w)(?:[+(0][0-9 ().\-/]*[0-9]|[0-9][0-9().\-/]*[0-9])(?!\w)")
_MIN_NUMBER_DIGITS = 7
_MAX_NUMBER_DIGITS = 15
_MAX_COUNTRY_CODE_DIGITS = 3


def document_tokens(*texts: str | None) -> list[str]:
    """The tokens to store for a document that says `texts`, in order of importance: what exceeds the cap is left out.

    International numbers are stored without their country code too, because people search for the national form.
    """
    found: dict[str, None] = {}
    for text in texts:
        for token in _stored_tokens(_normalised(text or "")):
            found[token[:MAX_TOKEN_CHARACTERS]] = None
            if len(found) >= MAX_TOKENS:
                return list(found)
    return list(found)


def query_words(text: str) -> tuple[str, ...]:
    """What `Match` asks for: each must begin some stored token. Words that begin another one say nothing more."""
    asked_text = _normalised(text[:MAX_QUERY_CHARACTERS])
    asked = {word[:MAX_TOKEN_CHARACTERS]: None for word in _asked_words(asked_text)}
    needed = [word for word in asked if not any(other != word and other.startswith(word) for other in asked)]
    return tuple(needed[:MAX_QUERY_WORDS])


def _normalised(text: str) -> str:
    if text.isascii():
        return text[:MAX_TEXT_CHARACTERS].lower()
    folded = unicodedata.normalize("NFKD", text[:MAX_TEXT_CHARACTERS])[: 2 * MAX_TEXT_CHARACTERS].casefold()
    decomposed = unicodedata.normalize("NFKD", folded)
    return "".join(character for character in decomposed if not unicodedata.category(character).startswith("M"))


def _stored_tokens(text: str) -> Iterator[str]:
    if "@" in text:
        yield from _addresses(_BREAK.split(text))
    for run in _DIGIT_RUN.findall(text):
        yield from _number_forms(run)
    words = _WORD.findall(text)
    if text.isascii():
        yield from words
        return
    for word in words:
        yield from _parts(word, is_stored=True)


def _asked_words(text: str) -> Iterator[str]:
    if _DIGIT_RUN.fullmatch(text.strip()) and _is_number(text):
        yield _digits(text)
        return
    for number in filter(_is_number, _QUERY_NUMBER.findall(text)):
        text = text.replace(number, " ")
        yield _digits(number)
    chunks = _BREAK.split(text)
    addresses = list(_addresses(chunks))
    yield from addresses
    for chunk in chunks:
        if chunk.strip(_EDGES) not in addresses:
            for word in _WORD.findall(chunk):
                yield from _parts(word, is_stored=False)


def _parts(word: str, *, is_stored: bool) -> Iterator[str]:
    """The word; where blanks are not written, its pairs of characters: any stretch is found by those within it.

    The last character is stored alone as well, so that a search for one character finds it everywhere.
    """
    if word.isascii():
        yield word
        return
    for run in filter(None, _UNSPACED.split(word)):
        if not _UNSPACED.fullmatch(run):
            yield run
            continue
        yield from (run[at : at + 2] for at in range(len(run) - 1))
        if is_stored or len(run) == 1:
            yield run[-1]


def _addresses(chunks: Iterable[str]) -> Iterator[str]:
    for chunk in chunks:
        bare = chunk.strip(_EDGES)
        if bare.count("@") == 1:
            yield bare


def _number_forms(run: str) -> Iterator[str]:
    if not _is_number(run):
        return
    digits = _digits(run)
    yield digits
    if run.startswith(("+", "00")):
        yield from (digits[length:] for length in range(1, _MAX_COUNTRY_CODE_DIGITS + 1))


def _is_number(run: str) -> bool:
    return _MIN_NUMBER_DIGITS <= len(_digits(run)) <= _MAX_NUMBER_DIGITS


def _digits(run: str) -> str:
    """Only the digits, without the zeros that stand for "abroad" or "long distance"."""
    return "".join(character for character in run if character.isdecimal()).lstrip("0")
