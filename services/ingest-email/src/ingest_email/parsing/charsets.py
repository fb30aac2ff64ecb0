"""Bytes of a mail to text, whatever charset it claims. Never fails: the worst case has replacement characters."""

import codecs

_NOT_CHARSETS = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined"})
"""Python calls them text encodings too. No mail is written in them, and the first two can be made slow."""

_WESTERN = frozenset({"ascii", "iso8859-1", "iso8859-15", "cp1252"})
"""Charsets that senders claim by default. Text that is valid UTF-8 is UTF-8 whatever of these it claims."""

_GUESSED_FROM_BYTES = 65_536
_GUESSES = ["cp1252", "cp1251", "koi8_r", "cp1253", "shift_jis", "euc_jp", "gb18030", "big5", "euc_kr"]
"""One per script: among its siblings a short text cannot be told apart, and Western mail would turn Czech."""


def decode(data: bytes, declared: str | None) -> str:
    """Text of one part or header word."""
    charset = _known(declared)
    for candidate in _candidates(charset):
        try:
            return data.decode(candidate)
        except UnicodeDecodeError:
            continue
    return data.decode(_guess(data), errors="replace")


def _known(declared: str | None) -> str | None:
    try:
        name = codecs.lookup((declared or "").strip().strip("'\"")).name
    except (LookupError, ValueError):
        return None
    return None if name in _NOT_CHARSETS or not _is_text(name) else name


def _is_text(name: str) -> bool:
    # One byte, because of none Python makes no text and asks no codec.
    try:
        b" ".decode(name)
    except LookupError:
        return False
    except UnicodeDecodeError:
        return True  # of an encoding whose characters take more than a byte
    return True


def _candidates(charset: str | None) -> tuple[str, ...]:
    if charset is None or charset in _WESTERN:
        # Latin-1 is read as the superset that browsers read: its own second control block holds quotes and dashes.
        western = {"iso8859-1": "cp1252", "ascii": "utf-8", None: "utf-8"}.get(charset, charset or "utf-8")
        return ("utf-8", western)
    return (charset, "utf-8")


def _guess(data: bytes) -> str:
    # Imported when needed: it costs a tenth of a second, and few mails lie about their charset.
    from charset_normalizer import from_bytes  # noqa: PLC0415

    best = from_bytes(data[:_GUESSED_FROM_BYTES], cp_isolation=_GUESSES).best()
    return "cp1252" if best is None else best.encoding
