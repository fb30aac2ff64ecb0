"""One mail on its way in: ends at CRLF, dot, CRLF and at nothing else, loses its stuffed dots, keeps to its limits.

Pure but for the shared budget. Works on blocks, because a mail of 35 MB may have as many lines as it likes.
"""

from ingest_email.errors import MailTooLarge, MemoryFull
from ingest_email.mail_memory import MailMemory
from service_kit.errors import DeskbusError

_LINE = b"\r\n"
_END = b"\r\n.\r\n"


class MailData:
    """Collects what follows DATA (RFC 5321, section 4.5.2); `release` must be called once, however it ends."""

    def __init__(self, size_limit_bytes: int, memory: MailMemory) -> None:
        self._size_limit = size_limit_bytes
        self._memory = memory
        self._reserved = 0
        self._refusal: DeskbusError | None = None
        # The line end before the first line, so that the end is found and dots are taken out there as well.
        self._buffer = bytearray(_LINE)

    def feed(self, block: bytes) -> bytes | None:
        """Take the next bytes; when the mail has ended, what came behind it. None: there is more to come."""
        searched = max(0, len(self._buffer) - len(_END) + 1)
        self._buffer += block
        end = self._buffer.find(_END, searched)
        if end < 0:
            self._account(len(block))
            return None
        rest = bytes(self._buffer[end + len(_END) :])
        del self._buffer[end + len(_LINE) :]
        self._account(len(block) - len(rest))
        return rest

    def content(self) -> bytes:
        """The mail.

        Raises:
            MailTooLarge: it was over the limit; nothing of it was kept.
            MemoryFull: there was no room for it among all that arrives now.
        """
        if self._refusal is not None:
            raise self._refusal
        plain = self._buffer.replace(b"\r\n.", _LINE)
        self._buffer.clear()
        return bytes(memoryview(plain)[len(_LINE) :])

    def release(self) -> None:
        """Give the memory back."""
        self._memory.release(self._reserved)
        self._reserved = 0

    def _account(self, size: int) -> None:
        """Count what came; from the first refusal on keep no more than the end may begin with."""
        if self._refusal is None and self._reserved + size > self._size_limit + len(_END):
            self._refusal = MailTooLarge(self._size_limit)
        elif self._refusal is None and not self._memory.reserve(size):
            self._refusal = MemoryFull("no room for another mail")
        if self._refusal is None:
            self._reserved += size
        else:
            self.release()
            del self._buffer[: -len(_END) + 1]
