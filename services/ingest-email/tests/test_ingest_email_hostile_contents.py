"""Mail that lies about what it is: who wrote it, in which charset, how large, and how often (S4, I6, X4)."""

import io
import zipfile
from base64 import encodebytes
from collections.abc import Callable
from typing import Any

import aiosmtplib
import pytest

from ingest_email.identity import message_id
from ingest_email.parsing.headers import read_head
from ingest_email.parsing.parse import parse

HEAD = b"From: jane@customer.example\r\nMessage-ID: <1@customer.example>\r\n"
BREAKS = "\r\n\0\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"


def part(declaration: bytes, content: bytes) -> bytes:
    """A mail of one part."""
    return (
        HEAD + b"Content-Type: " + declaration + b"\r\nContent-Transfer-Encoding: base64\r\n\r\n" + encodebytes(content)
    )


@pytest.mark.parametrize("line_break", ["=0D=0A", "=0A", "=0D", "=00", "=E2=80=A8", "=C2=85"])
def test_no_field_brings_another_along(line_break: str) -> None:
    """Line breaks that encoded words hide in subject, names and file names are none any more (S4)."""
    word = f"=?utf-8?q?Hi{line_break}Bcc=3A_victim=40c.example?=".encode()
    raw = (
        b"From: " + word + b" <jane@customer.example>\r\nSubject: " + word + b"\r\n"
        b'Content-Type: image/png\r\nContent-Disposition: attachment; filename="' + word + b'"\r\n\r\nx'
    )
    seen = parse(raw, envelope_sender="")
    said = (seen.head.subject, seen.head.from_name, seen.body.files[0].name)

    assert all(text and "victim" in text for text in said)
    assert not any(mark in str(text) for text in said for mark in BREAKS)
    assert seen.head.from_email == "jane@customer.example"


@pytest.mark.parametrize(
    ("declared", "content", "text"),
    [
        ("us-ascii", "Größe €".encode(), "Größe €"),
        ("utf-8", "Où est-ce, déjà reçu ?".encode("cp1252"), "Où est-ce, déjà reçu ?"),
        ("utf-16", b"plain after all", "plain after all"),
        ("utf-7", b"+ADw-script+AD4-", "<script>"),
        ("unicode_escape", rb"\u003cscript\u003e", r"\u003cscript\u003e"),
        ("x" * 5000, b"Hello", "Hello"),
        ("utf-8\0", b"Hello", "Hello"),
        ("rot13", b"Hello", "Hello"),
        ("base64", b"SGVsbG8=", "SGVsbG8="),
    ],
    ids=range(9),
)
def test_a_charset_that_lies_costs_no_text(declared: str, content: bytes, text: str) -> None:
    """What the bytes are goes before what they are called; no codec that is no charset is ever run (X6)."""
    seen = parse(part(b'text/plain; charset="' + declared.encode() + b'"', content), envelope_sender="")

    assert seen.body.text == text


@pytest.mark.parametrize(
    "inner",
    [
        b"Content-Type: multipart/mixed; boundary=\xff\r\n\r\n--\xff\r\n\xe9\r\nHello",
        b"Content-Type: multipart/mixed; boundary*=\0''x\r\n\r\nHello",
    ],
    ids=["text that is none", "a zero byte in a parameter"],
)
def test_a_broken_mail_within_a_mail_costs_no_text(inner: bytes) -> None:
    """What the library reads and cannot write again is attached as it was, and the text beside it is read (X6)."""
    mixed = (
        HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nSee below\r\n"
    )
    raw = mixed + b"--b\r\nContent-Type: message/rfc822\r\n\r\n" + inner + b"\r\n--b--\r\n"
    seen = parse(raw, envelope_sender="")

    assert seen.body.text == "See below"
    assert [file.name for file in seen.body.files] == ["attachment-1.eml"]
    assert b"Hello" in seen.contents[0]


def test_a_zip_bomb_stays_shut() -> None:
    """What was attached is kept byte for byte, and never opened: its size is that of its bytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", b"\0" * 20_000_000)
    raw = part(b'application/zip; name="invoice.zip"', packed.getvalue())
    seen = parse(raw, envelope_sender="")

    assert seen.contents == (packed.getvalue(),)
    assert [(file.name, file.size) for file in seen.body.files] == [("invoice.zip", len(packed.getvalue()))]
    assert seen.body.files[0].size < 100_000


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (b"Message-ID: <a@b.example>\r\nMessage-ID: <c@d.example>\r\n", "a@b.example"),
        (b"Message-ID: <a@b.example> <c@d.example>\r\n", "a@b.example"),
        (b"Message-ID: <>\r\nMessage-ID: <c@d.example>\r\n", None),
        (b"Message-ID:\r\n", None),
        (b"Message-ID: <a@b.example\r\n", "a@b.example"),
        (b"Message-ID: <" + b"a" * 5000 + b"@b.example>\r\n", "a" * 500),
    ],
    ids=["twice", "two in one", "an empty one first", "empty", "unclosed", "endless"],
)
def test_a_mail_has_one_identity_whatever_it_claims(fields: bytes, expected: str | None) -> None:
    """Doubled, empty and endless Message-IDs name a mail once, and always the same way (X4)."""
    raw = b"From: jane@customer.example\r\n" + fields + b"\r\nHello"
    head = read_head(raw, envelope_sender="")

    assert head.message_id == expected
    assert (head.synthetic_id is None) is (expected is not None)
    assert message_id("acc_1", head) == message_id("acc_1", parse(raw, envelope_sender="").head)


async def test_50_mb_are_refused_before_they_are_sent(serving: Callable[..., Any]) -> None:
    """A sender that says how large its mail is need not send it: 552 at MAIL, with the limit of the settings (I7)."""
    async with (
        serving() as email,
        aiosmtplib.SMTP(hostname="127.0.0.1", port=email.port, start_tls=False, timeout=20) as client,
    ):
        await client.ehlo()
        offered = client.esmtp_extensions["size"]
        with pytest.raises(aiosmtplib.SMTPResponseException) as refused:
            await client.mail("jane@customer.example", options=[f"SIZE={50 * 1024 * 1024}"])

    assert offered == str(35 * 1024 * 1024)
    assert refused.value.code == 552
