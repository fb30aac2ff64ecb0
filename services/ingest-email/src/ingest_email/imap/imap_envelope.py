"""The reverse-path of a mail that comes without its envelope, as its last server noted it. Pure."""

from ingest_email.parsing.header_block import MAX_BLOCK_BYTES, read_block
from ingest_email.parsing.headers import bare_address, read_head
from ingest_email.webhooks.provider import reverse_path


def envelope_sender(content: bytes) -> str:
    """The Return-Path; where there is none to be read, the author: an empty one would say that a machine wrote."""
    block = read_block(content)
    noted = block.all("return-path")
    path = reverse_path(noted[0]) if noted else None
    if path == "" or (path is not None and bare_address(path) is not None):
        return path
    head = read_head(content[: block.body_offset or MAX_BLOCK_BYTES], envelope_sender="-")
    return head.from_email or ""
