"""The document as text: the one form in which every engine keeps it, and how long it may be."""

from service_kit.docstore.port import Document, DocumentTooLarge

MAX_BODY_BYTES = 12 * 1024 * 1024
"""MongoDB refuses documents beyond 16 MiB, what is indexed of them included; no engine takes what another would not."""

_MAX_BYTES_PER_CHARACTER = 4


def body_of(document: Document, rev: int) -> str:
    """The JSON of `document` when it is written as `rev`.

    Raises:
        DocumentTooLarge: no engine would take it.
        ValueError: a text in it is not Unicode.
    """
    body = document.model_copy(update={"rev": rev}).model_dump_json(round_trip=True, by_alias=True)
    may_be_too_large = len(body) * _MAX_BYTES_PER_CHARACTER > MAX_BODY_BYTES
    if may_be_too_large and len(body.encode()) > MAX_BODY_BYTES:
        raise DocumentTooLarge(f"document {document.id} is larger than {MAX_BODY_BYTES} bytes")
    return body
