"""Rich text as Outlook packs it (MS-OXRTFCP), unpacked as far as a limit. Pure."""

import struct

_HEADER = struct.Struct("<IIII")
_COMPRESSED = 0x75465A4C
_STORED = 0x414C454D
_WINDOW = 4096
_SHORTEST = 2
_BEGINNING = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor "
    b"MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par "
    b"\\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)
"""What the window holds before anything was unpacked."""


def unpacked(packed: bytes, *, limit: int) -> bytes:
    """The first `limit` bytes or so of what was packed, which may end early; empty where nothing was."""
    if len(packed) < _HEADER.size:
        return b""
    _, size, kind, _ = _HEADER.unpack_from(packed)
    content = packed[_HEADER.size :]
    if kind == _STORED:
        return content[: min(size, limit)]
    return _decompressed(content, limit) if kind == _COMPRESSED else b""


def _decompressed(content: bytes, limit: int) -> bytes:
    """Bytes, and copies of earlier ones from a window of 4 KiB; a copy of what comes next is the end."""
    out = bytearray(_BEGINNING)
    place = 0
    while place < len(content) and len(out) - len(_BEGINNING) < limit:
        control = content[place]
        place += 1
        for bit in range(8):
            if not control >> bit & 1:
                out += content[place : place + 1]
                place += 1
                continue
            reference = int.from_bytes(content[place : place + 2], "big")
            place += 2
            back = (len(out) - (reference >> 4)) % _WINDOW
            if back == 0 or place > len(content):
                return bytes(out[len(_BEGINNING) :])
            for _ in range((reference & 15) + _SHORTEST):
                # What was never written is a zero, as in the format's own window.
                out.append(out[-back] if back <= len(out) else 0)
    return bytes(out[len(_BEGINNING) :])
