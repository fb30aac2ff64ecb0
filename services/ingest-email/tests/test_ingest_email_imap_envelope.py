"""The reverse-path of a mail from a mailbox."""

import pytest

from ingest_email.imap.imap_envelope import envelope_sender

AUTHOR = b"From: Jane <jane@customer.example>\r\n"


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"Return-Path: <bounce@list.example>\r\n" + AUTHOR, "bounce@list.example"),
        (b"Return-Path: <>\r\n" + AUTHOR, ""),
        (AUTHOR, "jane@customer.example"),
        (b"Return-Path: nobody at all\r\n" + AUTHOR, "jane@customer.example"),
        (b"Subject: Hi\r\n", ""),
    ],
)
def test_the_return_path_is_the_envelopes_sender(head: bytes, expected: str):
    """Where the last server noted none, the author: a mail without any would count as a machine's (X7)."""
    assert envelope_sender(head + b"\r\nReturn-Path: <body@evil.example>\r\n") == expected
