"""Rich text, packed and plain, as the specifications show it and as Outlook writes it (X6, I6)."""

import struct
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest_email.parsing.compressed_rtf import unpacked
from ingest_email.parsing.rich_text import MAX_RTF_BYTES, RichText, read_rich_text

HELLO = bytes.fromhex(
    "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0"
)
ALPHABET = bytes.fromhex("1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0")
FONTS = rb"{\fonttbl{\f0\fswiss\fcharset0 Arial;}{\f1\fcharset204 Arial;}{\f2\fcharset128 MS Gothic;}}"
WRAPPED = (
    rb"{\rtf1\ansi\ansicpg1252\fromhtml1 \deff0" + FONTS + rb"{\colortbl;\red0\green0\blue255;}"
    rb"{\*\generator Microsoft Exchange Server;}{\*\formatConverter converted from html;}"
    rb"{\*\htmltag64 <p class=\{a\}>}\htmlrtf {\htmlrtf0 Gr\'fc\'dfe \u8364?5 &amp; {\*\htmltag84 <b>}"
    rb"\htmlrtf {\b \htmlrtf0 more{\*\htmltag92 </b>}\htmlrtf }\htmlrtf0 {\*\mhtmltag84 <img>}\htmlrtf\par}\htmlrtf0"
    b"\r\n"
    rb"{\*\htmltag72 </p>}}"
)


@pytest.mark.parametrize(
    ("packed", "plain"),
    [
        (HELLO, b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"),
        (ALPHABET, b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}"),
        (struct.pack("<IIII", 0, 8, 0x414C454D, 0) + b"{\\rtf1 }rest", b"{\\rtf1 }"),
    ],
    ids=["compressed", "a copy that overlaps itself", "stored"],
)
def test_what_the_specification_packs_is_unpacked(packed: bytes, plain: bytes) -> None:
    """The examples of MS-OXRTFCP, 4.1, and text that was stored as it is."""
    assert unpacked(packed, limit=1000) == plain
    assert unpacked(packed, limit=4)[:4] == plain[:4]
    assert len(unpacked(packed, limit=4)) < 4 + 8 * 17


@pytest.mark.parametrize("packed", [b"", b"LZFu", HELLO[:20], HELLO[:16] + b"\xff" * 40, b"\0" * 16 + HELLO[16:]])
def test_what_is_broken_unpacks_to_less(packed: bytes) -> None:
    """Cut, senseless or of an unknown kind: no failure, and no more than there is."""
    assert len(unpacked(packed, limit=1000)) <= 1000


@pytest.mark.parametrize(
    ("rtf", "text"),
    [
        (rb"{\rtf1\ansi Hello\par\tab there\line}", "Hello\n\tthere\n"),
        (rb"{\rtf1\ansi\ansicpg1252 Gr\'fc\'dfe\~\{\\\}}", "Grüße\xa0{\\}"),
        (rb"{\rtf1\ansi\ansicpg1251 \'cf\'f0\'e8\'e2\'e5\'f2}", "Привет"),
        (rb"{\rtf1\ansi" + FONTS + rb"{\f1 \'cf\'f0\'e8}\f2 \'93\'fa\'96\'7b\plain \'e9}", "При日本é"),
        (rb"{\rtf1\uc1\u8364?5 \u-10179?\u-8704? {\uc2\u233xy}\uc0\u233 z}", "€5 😀 ééz"),
        (rb"{\rtf1 a{\info{\author Eve}}b{\*\unknown c}{\pict\bin4 }}}}}d}", "abd"),
        (rb"{\rtf1{\field{\*\fldinst HYPERLINK x}{\fldrslt click}} \endash  \lquote}", "click \u2013 \u2018"),
        (rb"{\rtf1\fromtext Hello\par}", "Hello\n"),
    ],
    ids=["lines", "western", "cyrillic", "fonts", "unicode", "looked past", "links", "wrapped text"],
)
def test_rich_text_says_what_it_says(rtf: bytes, text: str) -> None:
    """Its words with their lines, whatever code page or font they are written in."""
    assert read_rich_text(rtf) == RichText(text=text)


def test_the_html_that_outlook_wrapped_comes_out() -> None:
    """Tags and text as they were; what is there for readers of rich text only is not (MS-OXRTFEX)."""
    assert read_rich_text(WRAPPED) == RichText(html="<p class={a}>Grüße €5 &amp; <b>more</b></p>")


@pytest.mark.parametrize("rtf", [b"", b"%PDF-1.4", b"{\\rt", b"Hello {\\rtf1 }"])
def test_what_is_no_rich_text_says_nothing(rtf: bytes) -> None:
    """It is not shown as if it were."""
    assert read_rich_text(rtf) == RichText()


@pytest.mark.parametrize(
    "filling",
    [
        b"{",
        b"}",
        b"{\\*\\x",
        b"\\u1",
        b"\\'e9",
        b"\\f1 \\'e9\\f0 ",
        b"\\bin9 ",
        b"\\deff1",
        b"{\\f1\\fcharset204",
        b"\\",
    ],
)
def test_no_rich_text_stalls_its_reader(filling: bytes) -> None:
    """A megabyte of what costs most is over in a few seconds at worst, in a process that may be killed (I6)."""
    rtf = b"{\\rtf1" + FONTS + filling * (MAX_RTF_BYTES // 4 // len(filling))
    began = time.process_time()
    read_rich_text(rtf)

    assert time.process_time() - began < 2


@settings(max_examples=50)
@given(st.data())
def test_any_bytes_in_rich_text_are_survived(data: st.DataObject) -> None:
    """Whatever is changed in it, what comes out is text that an event can hold (I6)."""
    rtf, packed = bytearray(WRAPPED), bytearray(HELLO)
    for content in (rtf, packed):
        for place in data.draw(st.lists(st.integers(6, len(content) - 1), min_size=1, max_size=6)):
            content[place] = data.draw(st.integers(0, 255))
    said = read_rich_text(bytes(rtf))
    read_rich_text(unpacked(bytes(packed), limit=10_000))

    assert (said.text + said.html).encode().decode() == said.text + said.html
