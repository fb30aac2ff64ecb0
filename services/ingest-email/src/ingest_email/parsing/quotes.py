"""New text and what it answers to: cuts a reply where the quoted history or the signature begins.

Our own patterns, looked for line by line, because those of the libraries take time with the square of the text (some
kilobytes of "On" stall them) and miss half of the languages below. In doubt nothing is cut: text that an agent does
not see is worse than text seen twice.
"""

import re
from collections.abc import Iterable, Sequence

MAX_SEARCHED_BYTES = 64 * 1024

_MAX_LINE = 200
_WRAPPED_OVER = 3
_HEADER_LINES = 4

_MARKS = r"(?:> ?){0,20}"
_ATTRIBUTION = re.compile(
    _MARKS + r"(?:On .{5,400}\bwrote"
    r"|Le .{5,400}\ba écrit"
    r"|Am .{5,400}\bschrieb\b.{0,200}"
    r"|El .{5,400}\bescribió"
    r"|Il .{5,400}\bha scritto"
    r"|(?:Em|No dia|Às) .{5,400}\bescreveu"
    r"|Op .{5,400}\b(?:schreef\b.{0,200}|heeft .{1,300}\bhet volgende geschreven)) ?:",
    re.IGNORECASE,
)
"""What mail programs write above a quotation, in en, fr, de, es, it, pt and nl."""

_ATTRIBUTION_OF_NAME = re.compile(_MARKS + r".{1,100} (?:schrieb am .{5,100}|escreveu \(.{5,100}\)):")
"""Begins with the name (de, pt of Portugal): only a whole line can be told from the text above it."""

_AUTHOR = re.compile(_MARKS + r"\*{0,2}(?:From|De|Von|Da|Van) ?:\*{0,2} .+", re.IGNORECASE)
_DATE = re.compile(
    _MARKS
    + r"\*{0,2}(?:Sent|Date|Envoyé|Gesendet|Datum|Enviado|Enviada|Fecha|Inviato|Data|Verzonden)(?: em| el)? ?:.+",
    re.IGNORECASE,
)
_SEPARATOR = re.compile(
    _MARKS + r"-{2,} ?(?:Original Message|Message d['\u2019]origine|Ursprüngliche Nachricht|Mensaje original"
    r"|Messaggio originale|Mensagem original|Oorspronkelijk bericht) ?-{2,}",
    re.IGNORECASE,
)
_RULE = re.compile(r"[_-]{5,}")
_FORWARD = re.compile(r"(?:fwd?|tr|wg|rv|enc|i|doorst)\s{0,3}:", re.IGNORECASE)
_SIGNATURE_MARKS = ("-- ", "--")
"""RFC 3676, and what programs make of it that cut white space."""


def is_forward(subject: str | None) -> bool:
    """Whether a mail hands on another: then the history is the very thing to read."""
    return bool(_FORWARD.match(subject or ""))


def split(text: str) -> tuple[str, str | None]:
    """The new text, and the rest from the first line of history or signature on, if there is any."""
    lines = text.split("\n")
    cuts = (_signature(lines), _introduction(lines, len(text[:MAX_SEARCHED_BYTES].split("\n"))), _trailing_quote(lines))
    cut = min((cut for cut in cuts if cut is not None), default=0)
    new = "\n".join(lines[:cut]).strip()
    return (new, "\n".join(lines[cut:]).strip("\n")) if new else (text.strip(), None)


def _signature(lines: Sequence[str]) -> int | None:
    return next((number for number, line in enumerate(lines) if line in _SIGNATURE_MARKS), None)


def _introduction(lines: Sequence[str], searched: int) -> int | None:
    """The line that introduces the quoted mail, unless new text stands below the quotation as well."""
    numbers = [number for number, line in enumerate(lines[:searched]) if line.strip()]
    shadow = [" ".join(lines[number].split())[:_MAX_LINE] for number in numbers]
    place = next((place for place in range(len(shadow)) if _introduces(shadow, place)), None)
    if place is None:
        return None
    is_ruled_off = place > 0 and _RULE.fullmatch(shadow[place - 1])
    cut = numbers[place - 1 if is_ruled_off else place]
    return None if _has_text_below(lines[cut:]) else cut


def _introduces(shadow: Sequence[str], place: int) -> bool:
    """Whether a quotation begins at this line: a separator, a block of headers, or a sentence that may be wrapped."""
    line = shadow[place]
    if _SEPARATOR.fullmatch(line) or _ATTRIBUTION_OF_NAME.fullmatch(line):
        return True
    if _AUTHOR.fullmatch(line):
        return any(_DATE.fullmatch(following) for following in shadow[place + 1 : place + _HEADER_LINES])
    sentences = (" ".join(shadow[place : place + count]) for count in range(1, _WRAPPED_OVER + 1))
    return any(_ATTRIBUTION.fullmatch(sentence) and re.search(r"\d", sentence) for sentence in sentences)


def _has_text_below(history: Iterable[str]) -> bool:
    """Whether lines without a mark follow lines with one (`>`): somebody answers below or in between."""
    is_inside = False
    for line in history:
        if line.startswith(">"):
            is_inside = True
        elif is_inside and line.strip():
            return line not in _SIGNATURE_MARKS
    return False


def _trailing_quote(lines: Sequence[str]) -> int | None:
    """Where the marked lines begin that the text ends with, if it does."""
    cut = len(lines)
    while cut and (lines[cut - 1].startswith(">") or not lines[cut - 1].strip()):
        cut -= 1
    return cut if any(line.startswith(">") for line in lines[cut:]) else None
