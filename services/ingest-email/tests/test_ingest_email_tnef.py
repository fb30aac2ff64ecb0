"""What Outlook wraps into winmail.dat (TNEF), and what others put into one to do harm (X6, I6)."""

import logging
import struct
from base64 import encodebytes
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest_email.parsing.attachments import File, file_of
from ingest_email.parsing.model import ParsedMail
from ingest_email.parsing.parse import parse
from ingest_email.parsing.tnef import unwrap

MESSAGE, ATTACHMENT = 1, 2
BODY, TITLE, DATA, RENDERING = 0x800C, 0x8010, 0x800F, 0x9002
MAPI, ATTACHED_MAPI, CODEPAGE = 0x9003, 0x9005, 0x9007
LONG_NAME, MIME_TYPE, CONTENT_ID, OBJECT = 0x3707, 0x370E, 0x3712, 0x3701
HTML, RTF = 0x1013, 0x1009
PDF = b"%PDF-1.4\n% not really\n"


@pytest.fixture(autouse=True, scope="module")
def _impatient() -> Iterator[None]:
    """A small budget, and libraries that log nothing, as in a parser process."""
    logging.disable()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ingest_email.parsing.tnef._SECONDS", 0.1)
        yield
    logging.disable(logging.NOTSET)


def entry(level: int, name: int, data: bytes) -> bytes:
    """One object of the wrapping."""
    return struct.pack("<BHHI", level, name, 6, len(data)) + data + struct.pack("<H", sum(data) & 0xFFFF)


def properties(known: dict[int, str | bytes]) -> bytes:
    """MAPI properties: text in UTF-16, bytes as they are."""
    said = struct.pack("<I", len(known))
    for name, value in known.items():
        kind, data = (0x001F, value.encode("utf-16-le")) if isinstance(value, str) else (0x0102, value)
        said += struct.pack("<HHII", kind, name, 1, len(data)) + data + b"\0" * (-len(data) % 4)
    return said


def wrapping(*entries: bytes) -> bytes:
    """A winmail.dat."""
    return struct.pack("<IH", 0x223E9F78, 1) + entry(MESSAGE, CODEPAGE, struct.pack("<II", 1252, 0)) + b"".join(entries)


def attached(title: bytes, data: bytes, **known: str) -> bytes:
    """One attachment, with properties by our names."""
    names = {"long_name": LONG_NAME, "mime_type": MIME_TYPE, "content_id": CONTENT_ID}
    told = properties({names[name]: value for name, value in known.items()})
    parts = (RENDERING, b"\0" * 14), (TITLE, title), (DATA, data), (ATTACHED_MAPI, told)
    return b"".join(entry(ATTACHMENT, name, content) for name, content in parts)


def mail_with(content: bytes, *, text: bytes = b"See the contract.", name: bytes = b"winmail.dat") -> ParsedMail:
    """A mail with that attached, parsed."""
    part = b"--b\r\nContent-Type: text/plain\r\n\r\n" + text + b"\r\n" if text else b""
    raw = (
        b"From: a@b.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        + part
        + b'--b\r\nContent-Type: application/ms-tnef\r\nContent-Disposition: attachment; filename="'
        + name
        + b'"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
        + encodebytes(content)
        + b"--b--\r\n"
    )
    return parse(raw, envelope_sender="a@b.example")


def names_of(files: Sequence[File]) -> list[str]:
    """What the files are called."""
    return [file.name for file, _ in files]


def tnef_file(content: bytes) -> File:
    """A winmail.dat as the attachment that it is."""
    return file_of(content, number=1, name="winmail.dat", content_type="application/ms-tnef", content_id="")


def test_files_come_out_of_the_wrapping() -> None:
    """Long names, types and content ids are those of the sender; the wrapping itself is gone (X6)."""
    seen = mail_with(
        wrapping(
            attached(b"CONTR~1.PDF\0", PDF, long_name="Vertrag über 4711.pdf", mime_type="application/pdf"),
            attached(b"gr\xfc\xdfe.txt\0", b"Hello"),
            attached(b"logo.png\0", b"\x89PNG", content_id="logo@acme"),
        )
    )

    assert seen.body.text == "See the contract."
    assert [(file.name, file.content_type, file.content_id) for file in seen.body.files] == [
        ("Vertrag über 4711.pdf", "application/pdf", None),
        ("grüße.txt", "text/plain", None),
        ("logo.png", "image/png", "logo@acme"),
    ]
    assert seen.contents == (PDF, b"Hello", b"\x89PNG")


def test_the_body_counts_where_the_mail_has_no_other() -> None:
    """Text and HTML of the wrapping are the mail's, cleaned as any, unless it says something itself (X6, S4)."""
    html = b"<p>Hello <b>there</b></p><script>steal()</script>"
    content = wrapping(entry(MESSAGE, MAPI, properties({HTML: html})))
    alone, beside = mail_with(content, text=b""), mail_with(content)
    plain = mail_with(wrapping(entry(MESSAGE, BODY, b"Gr\xfc\xdfe\0")), text=b"")

    assert (alone.body.text, alone.body.html) == ("Hello there", "<p>Hello <b>there</b></p>")
    assert (beside.body.text, beside.body.html) == ("See the contract.", None)
    assert (plain.body.text, plain.body.files) == ("Grüße", ())


@pytest.mark.parametrize(
    ("rtf", "text", "html"),
    [
        (rb"{\rtf1\ansi Gr\'fc\'dfe\par}", "Grüße", None),
        (rb"{\rtf1\ansi\fromhtml1 {\*\htmltag64 <p onclick=x>}Hello{\*\htmltag72 </p>}}", "Hello", "<p>Hello</p>"),
    ],
)
def test_rich_text_alone_is_read(rtf: bytes, text: str, html: str | None) -> None:
    """What Outlook sends as nothing but rich text is shown, its HTML cleaned as any; of a message within, too (X6)."""
    packed = struct.pack("<IIII", len(rtf) + 12, len(rtf), 0x414C454D, 0) + rtf
    content = wrapping(entry(MESSAGE, MAPI, properties({RTF: packed})))
    alone, beside = mail_with(content, text=b""), mail_with(content)
    inner = properties({OBJECT: bytes.fromhex("0703020000000000c000000000000046") + content})
    parts = entry(ATTACHMENT, RENDERING, b"\0" * 14) + entry(ATTACHMENT, TITLE, b"Order\0")
    within = unwrap([tnef_file(wrapping(parts + entry(ATTACHMENT, ATTACHED_MAPI, inner)))], has_text=True)

    assert (alone.body.text, alone.body.html, alone.body.files) == (text, html, ())
    assert beside.body.text == "See the contract."
    assert names_of(within.files) == ["Order.html" if html else "Order.txt"]


def test_rich_text_that_cannot_be_read_is_kept_for_who_can() -> None:
    """Where the wrapping is all that the mail says, and nothing here can show it, it stays a file."""
    content = wrapping(entry(MESSAGE, MAPI, properties({RTF: b"LZFu"})), attached(b"a.pdf\0", PDF))

    assert [file.name for file in mail_with(content, text=b"").body.files] == ["a.pdf", "winmail.dat"]
    assert [file.name for file in mail_with(content).body.files] == ["a.pdf"]


def test_a_message_within_is_its_text_and_its_files() -> None:
    """A mail that Outlook attached to another is readable without Outlook."""
    signature = bytes.fromhex("0703020000000000c000000000000046")
    inner = wrapping(entry(MESSAGE, BODY, b"The first mail\0"), attached(b"inner.pdf\0", PDF))
    outer = properties({OBJECT: signature + inner})
    parts = entry(ATTACHMENT, RENDERING, b"\0" * 14) + entry(ATTACHMENT, TITLE, b"Re: Order\0")
    found = unwrap([tnef_file(wrapping(parts + entry(ATTACHMENT, ATTACHED_MAPI, outer)))], has_text=True)

    assert names_of(found.files) == ["Re: Order.txt", "inner.pdf"]
    assert [content.rstrip(b"\0") for _, content in found.files] == [b"The first mail", PDF]


def test_names_do_not_leave_the_folder() -> None:
    """A wrapped name is judged as any other: the last component, one line, no lead."""
    seen = mail_with(wrapping(attached(b"x\0", PDF, long_name="C:\\Users\\jane\\..\\.profile\r\nX: y")))

    assert [file.name for file in seen.body.files] == ["profile X: y"]


def test_wrapped_files_are_limited() -> None:
    """As many files as a mail may have, and the mail says that there were more."""
    body = mail_with(wrapping(*(attached(b"a.txt\0", b"x") for _ in range(150)))).body

    assert len(body.files) == 100
    assert body.left_out == ("files_over_limit",)


BROKEN = {
    "no wrapping": b"PK\x03\x04 something else",
    "empty": b"",
    "cut": wrapping(attached(b"a.pdf\0", PDF))[:-40],
    "an attachment that none began": wrapping(entry(ATTACHMENT, TITLE, b"a\0")),
    "a code page that is none": struct.pack("<IH", 0x223E9F78, 1) + entry(1, CODEPAGE, struct.pack("<II", 99999, 0)),
    "recipients without number": wrapping(entry(MESSAGE, 0x9004, b"\xff\xff\xff\xff")),
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_wrapping_stays_a_file(content: bytes) -> None:
    """The mail is read all the same, and nothing of it is lost (X6)."""
    seen = mail_with(content)

    assert seen.body.text == "See the contract."
    assert [file.name for file in seen.body.files][-1:] in (["winmail.dat"], ["a.pdf"])


@pytest.mark.parametrize(
    "bomb",
    [
        entry(MESSAGE, MAPI, b"\xff\xff\xff\xff"),
        entry(MESSAGE, MAPI, struct.pack("<IHHI", 1, 0x001F, BODY, 0xFFFFFFFF) + b"\0" * 2_000_000),
        b"".join(entry(MESSAGE, 0x8006, b"") for _ in range(50_000)) + b"\0" * 10_000_000,
    ],
    ids=["endless properties", "endless values", "a copy for every object"],
)
def test_counts_that_lie_cost_a_budget_and_not_the_mail(bomb: bytes) -> None:
    """What the library would believe for hours ends after its share of processor time (I6)."""
    content = wrapping(bomb, attached(b"a.pdf\0", PDF))
    found = unwrap([tnef_file(content)], has_text=True)

    assert names_of(found.files) in (["winmail.dat"], ["a.pdf"])


@settings(max_examples=60)
@given(st.data())
def test_any_bytes_in_a_wrapping_are_survived(data: st.DataObject) -> None:
    """Whatever is changed in a wrapping, files come out of it or it stays one (I6)."""
    content = bytearray(wrapping(attached(b"a.pdf\0", PDF, long_name="b.pdf"), entry(MESSAGE, BODY, b"Hi\0")))
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=4)):
        content[place] = data.draw(st.integers(0, 255))
    found = unwrap([tnef_file(bytes(content))], has_text=False)

    assert found.files or found.text or found.html
    assert all(file.size == len(body) for file, body in found.files)
