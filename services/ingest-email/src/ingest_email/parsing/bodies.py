"""The text of a mail: which parts are its text, what they say, and what of it is new."""

import re
from collections.abc import Sequence

from inscriptis import get_text

from ingest_email.parsing import quotes
from ingest_email.parsing.attachments import MAX_FILES, File, read_files
from ingest_email.parsing.charsets import decode
from ingest_email.parsing.invitation import invitation_line
from ingest_email.parsing.mime_tree import AnyMessage, contents, declared_charset, leaves
from ingest_email.parsing.model import MailBody
from ingest_email.parsing.plain_text import clean_text, cut_to_bytes
from ingest_email.parsing.sanitise import MAX_HTML_CHARACTERS, sanitise
from ingest_email.parsing.tnef import unwrap

MAX_TEXT_BYTES = 128 * 1024
MAX_HTML_BYTES = 400_000
"""Text, history and HTML together must fit in one record of the bus (1 MiB)."""

_MAX_DECODED_BYTES = 4 * MAX_HTML_CHARACTERS
_MARKUP = re.compile(r"<[^<>]*>")


def read_body(message: AnyMessage, *, is_forward: bool) -> tuple[MailBody, tuple[bytes, ...]]:
    """What a mail says, and the bytes of its files."""
    parts = list(leaves(message))
    texts = [part for part in parts if _is_text(part, "text/plain")]
    pages = [part for part in parts if _is_text(part, "text/html")]
    rest = [part for part in parts if part not in texts and part not in pages]
    plain, page = _joined(texts).strip(), _joined(pages)
    found = unwrap(read_files(rest), has_text=bool(plain or page.strip()))
    given = page if plain or page.strip() else clean_text(found.html)
    html = _fitting(sanitise(given))
    whole = plain or _as_text(html, given) or clean_text(found.text).strip() or _invitation(found.files)
    text = cut_to_bytes(whole, MAX_TEXT_BYTES)
    new, quoted = (text, None) if is_forward else quotes.split(text)
    cuts = {
        "text_over_limit": len(text) < len(whole),
        "html_over_limit": html is None and bool(given.strip()),
        "files_over_limit": max(len(rest), len(found.files)) > MAX_FILES,
    }
    left_out = tuple(code for code, was_cut in cuts.items() if was_cut)
    kept = found.files[:MAX_FILES]
    files = tuple(file for file, _ in kept)
    body = MailBody(text=new, html=html or None, quoted_text=quoted, files=files, left_out=left_out)
    return body, tuple(content for _, content in kept)


def _is_text(part: AnyMessage, content_type: str) -> bool:
    if part.get_content_maintype() == "multipart":
        # A multipart without parts: its boundary is missing, and what it holds can only be shown as it is.
        return content_type == "text/plain"
    is_file = part.get_content_disposition() == "attachment" or part.get_filename() is not None
    return part.get_content_type() == content_type and not is_file


def _joined(parts: Sequence[AnyMessage]) -> str:
    return clean_text("\n".join(decode(contents(part)[:_MAX_DECODED_BYTES], declared_charset(part)) for part in parts))


def _fitting(html: str | None) -> str | None:
    return None if html is None or len(html.encode()) > MAX_HTML_BYTES else html


def _as_text(html: str | None, given: str) -> str:
    """The text of a mail that has only HTML; without layout where the HTML could not be cleaned."""
    if html is None:
        return " ".join(_MARKUP.sub(" ", given[:MAX_TEXT_BYTES]).split())
    return clean_text(get_text(html)).strip()


def _invitation(files: Sequence[File]) -> str:
    """What a mail that only invites says; the invitation itself stays a file."""
    calendar = next((content for file, content in files if file.content_type == "text/calendar"), b"")
    return invitation_line(decode(calendar[:_MAX_DECODED_BYTES], "utf-8"))
