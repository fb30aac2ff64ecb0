"""What a rich text (RTF) says: its words, or the HTML that Outlook has wrapped into it (MS-OXRTFEX). Pure, one pass.

No more of RTF than that: groups, characters and their code pages, lines and tabs. Everything else is looked past.
"""

import codecs
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

MAX_RTF_BYTES = 1024 * 1024
_MAX_GROUPS = 500
_MAX_FONTS = 500

_TOKEN = re.compile(
    rb"\\'([0-9a-fA-F]{2})"
    rb"|\\([a-zA-Z]{1,32})(-?[0-9]{1,9})?[ ]?"
    rb"|\\([^a-zA-Z'])"
    rb"|([{}])"
    rb"|([^\\{}\r\n\0]+)"
)
_WRITTEN: Mapping[bytes, str] = {
    b"par": "\n", b"line": "\n", b"row": "\n", b"sect": "\n", b"page": "\n", b"tab": "\t", b"cell": "\t",
    b"emdash": "\u2014", b"endash": "\u2013", b"bullet": "\u2022", b"lquote": "\u2018", b"rquote": "\u2019",
    b"ldblquote": "\u201c", b"rdblquote": "\u201d", b"emspace": "\u2003", b"enspace": "\u2002",
}  # fmt: skip
_SYMBOLS: Mapping[bytes, str] = {
    b"\\": "\\", b"{": "{", b"}": "}", b"~": "\u00a0", b"_": "\u2011", b"\n": "\n", b"\r": "\n",
}  # fmt: skip
_UNSAID = frozenset(
    b"colortbl stylesheet info pict object header headerl headerr headerf footer footerl footerr footerf footnote"
    b" filetbl listtable xe tc rxe txe".split()
)
"""Groups that begin so say nothing of the text."""

_CHARSETS = {
    77: "mac_roman", 128: "cp932", 129: "cp949", 130: "johab", 134: "gbk", 136: "big5", 161: "cp1253", 162: "cp1254",
    163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874", 238: "cp1250",
}  # fmt: skip
"""Of fonts, `fcharset`; the others are written in the code page of the whole text."""


@dataclass(frozen=True, slots=True)
class RichText:
    """Text, or HTML where the rich text was made of some."""

    text: str = ""
    html: str = ""


@dataclass(frozen=True, slots=True)
class _Group:
    """What holds until the group ends: whether it is of no interest, its font, and how much follows a character."""

    is_unsaid: bool = False
    is_fonts: bool = False
    is_hidden: bool = False
    font: int | None = None
    fallback: int = 1


def read_rich_text(rtf: bytes) -> RichText:
    """What it says, as far as `MAX_RTF_BYTES`; nothing where it is no rich text."""
    if not rtf.lstrip().startswith(b"{\\rtf"):
        return RichText()
    reader = _Reader()
    said = reader.read(rtf[:MAX_RTF_BYTES])
    return RichText(html=said) if reader.is_html else RichText(text=said)


class _Reader:
    """Goes through the tokens once, with a stack of groups."""

    def __init__(self) -> None:
        self.is_html = False
        self._groups = [_Group()]
        self._fonts: dict[int, str] = {}
        self._code_page = "cp1252"
        self._said: list[str] = []
        self._bytes = bytearray()
        self._bytes_in = ""
        self._to_skip = 0
        self._may_be_unsaid = False

    def read(self, rtf: bytes) -> str:
        """The text; characters of two halves are put together at the end."""
        place = 0
        while place < len(rtf):
            token = _TOKEN.match(rtf, place)
            if token is None:
                place += 1
                continue
            place = token.end()
            byte, word, number, symbol, brace, plain = token.groups()
            if word == b"bin":
                place += max(0, int(number or 0))
            elif word is not None:
                self._word(word, None if number is None else int(number))
            elif byte is not None:
                self._characters(bytes([int(byte, 16)]))
            elif plain is not None:
                self._characters(plain)
            elif brace is not None:
                self._brace(brace)
            else:
                self._symbol(symbol)
        self._flush()
        return "".join(self._said).encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    def _brace(self, brace: bytes) -> None:
        self._to_skip, self._may_be_unsaid = 0, False
        if brace == b"{" and len(self._groups) < _MAX_GROUPS:
            self._groups.append(self._groups[-1])
        elif brace == b"}" and len(self._groups) > 1:
            self._groups.pop()

    def _symbol(self, symbol: bytes) -> None:
        if symbol == b"*":
            # The word that follows names a group that readers may look past.
            self._may_be_unsaid = True
        else:
            self._write(_SYMBOLS.get(symbol, ""))

    def _word(self, word: bytes, number: int | None) -> None:  # noqa: C901 - a table, one row a word
        group, may_be_unsaid = self._groups[-1], self._may_be_unsaid
        self._may_be_unsaid = False
        if word in _UNSAID or (may_be_unsaid and not (self.is_html and word == b"htmltag")):
            self._change(is_unsaid=True)
        elif word in _WRITTEN:
            self._write(_WRITTEN[word])
        elif word == b"u" and number is not None:
            self._write(chr(number & 0xFFFF))
            self._to_skip = group.fallback
        elif word == b"uc":
            self._change(fallback=min(number or 0, 10))
        elif word == b"htmlrtf":
            self._change(is_hidden=number != 0)
        elif word == b"fromhtml":
            self.is_html = True
        elif word == b"fonttbl":
            self._change(is_fonts=True, is_unsaid=True)
        elif word == b"f":
            self._change(font=number)
        elif word == b"fcharset" and group.is_fonts:
            self._font(_CHARSETS.get(number or 0))
        elif word == b"ansicpg":
            self._code_page = _known(number) or self._code_page
        elif word == b"deff":
            self._groups = [replace(one, font=number) for one in self._groups]
        elif word == b"plain":
            self._change(font=self._groups[0].font)

    def _font(self, charset: str | None) -> None:
        font = self._groups[-1].font
        if charset is not None and font is not None and len(self._fonts) < _MAX_FONTS:
            self._fonts[font] = charset

    def _change(self, **changes: bool | int | None) -> None:
        self._groups[-1] = replace(self._groups[-1], **changes)  # type: ignore[arg-type]  # as its callers name them

    def _characters(self, data: bytes) -> None:
        """Bytes of the text, without those that stand for a character which was written already."""
        left = data[self._to_skip :]
        self._to_skip = max(0, self._to_skip - len(data))
        group = self._groups[-1]
        if not left or group.is_unsaid or group.is_hidden:
            return
        charset = self._fonts.get(group.font or 0, self._code_page)
        if charset != self._bytes_in:
            self._flush()
            self._bytes_in = charset
        self._bytes += left

    def _write(self, text: str) -> None:
        if self._to_skip:
            self._to_skip -= 1
            return
        group = self._groups[-1]
        if text and not group.is_unsaid and not group.is_hidden:
            self._flush()
            self._said.append(text)

    def _flush(self) -> None:
        """What was collected, decoded at once: characters may take more than one byte."""
        if self._bytes:
            self._said.append(self._bytes.decode(self._bytes_in, "replace"))
            self._bytes.clear()


def _known(code_page: int | None) -> str | None:
    try:
        name = codecs.lookup(f"cp{code_page}").name
        " ".encode(name)
    except LookupError:
        return None
    return name
