"""One line for an invitation that comes without any text: what it is and when. Pure; no more of iCalendar than that."""

import re
from collections.abc import Iterable
from itertools import dropwhile, takewhile

from ingest_email.parsing.plain_text import clean_line

_SEARCHED_CHARACTERS = 64 * 1024
_MAX_SUMMARY = 300
_FOLD = re.compile(r"\r?\n[ \t]")
_PROPERTY = re.compile(r'([A-Z-]{1,40})((?:;(?:[^:"]|"[^"]*")*)?):(.*)', re.IGNORECASE)
_ZONE = re.compile(r';TZID="?([^";]{1,100})', re.IGNORECASE)
_MOMENT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)\d\d(Z?))?")
_ESCAPED = re.compile(r"\\(.)")
_METHODS = {"REQUEST": "Invitation", "CANCEL": "Cancelled", "REPLY": "Answer to an invitation"}


def invitation_line(calendar: str) -> str:
    """Method, summary and start of the first event of an iCalendar text (RFC 5545); empty if it has none."""
    lines = _FOLD.sub("", calendar[:_SEARCHED_CHARACTERS]).splitlines()
    event = dropwhile(lambda line: line.strip().upper() != "BEGIN:VEVENT", lines)
    known = _properties(takewhile(lambda line: line.strip().upper() != "END:VEVENT", event))
    _, summary = known.get("SUMMARY", ("", ""))
    said = [clean_line(_ESCAPED.sub(_unescaped, summary), _MAX_SUMMARY), _start(*known.get("DTSTART", ("", "")))]
    if not any(said):
        return ""
    _, method = _properties(lines).get("METHOD", ("", ""))
    what = _METHODS.get(method.strip().upper(), "Event")
    return f"{what}: {', '.join(part for part in said if part)}"


def _properties(lines: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Parameters and value of each property; the first one of a name."""
    known: dict[str, tuple[str, str]] = {}
    for line in lines:
        if found := _PROPERTY.fullmatch(line):
            known.setdefault(found[1].upper(), (found[2], found[3]))
    return known


def _start(parameters: str, value: str) -> str:
    found = _MOMENT.match(value.strip())
    if found is None:
        return ""
    year, month, day, hour, minute, utc = found.groups()
    date = f"{year}-{month}-{day}"
    if hour is None:
        return date
    zone = _ZONE.search(parameters)
    where = " UTC" if utc else f" ({clean_line(zone[1], 100)})" if zone else ""
    return f"{date} {hour}:{minute}{where}"


def _unescaped(found: re.Match[str]) -> str:
    return " " if found[1] in "nN" else found[1]
