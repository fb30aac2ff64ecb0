"""The receiving side of an IMAP connection: bounded, and patient where it is asked to be.

It stands where `imaplib` has a buffered file. That one loses a begun line when a wait runs out, and hides what it has
read ahead from whoever looks at the socket to learn whether the server has said something.
"""

import socket

from ingest_email.imap.imap_failure import AnswerTooLarge

_BLOCK_BYTES = 64 * 1024
_LINE_BYTES = 1_000_000
_LINES = 5_000
"""Of one answer: each costs us more than it costs a server that only wants to keep us busy."""


class BoundedStream:
    """Bytes from a socket; each command is allowed so many, whatever the server thinks."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._buffer = bytearray()
        self._left = 0
        self._lines_left = 0

    @property
    def has_rest(self) -> bool:
        """Whether more has arrived than was read."""
        return bool(self._buffer)

    def allow(self, max_bytes: int) -> None:
        """Let this much arrive from now on."""
        self._left = max_bytes
        self._lines_left = _LINES

    def readline(self) -> bytes:
        """One line with its end; what there is if the connection ends before.

        Raises:
            AnswerTooLarge: the line is longer than any line may be, or than what is allowed still, or one too many.
        """
        self._lines_left -= 1
        if self._lines_left < 0:
            raise AnswerTooLarge
        searched = 0
        while (end := self._buffer.find(b"\n", searched)) < 0:
            searched = len(self._buffer)
            if searched > _LINE_BYTES:
                raise AnswerTooLarge
            if not self._fill():
                return self._taken(searched)
        return self._taken(end + 1)

    def read(self, size: int) -> bytes:
        """This many bytes, or fewer if the connection ends before.

        Raises:
            AnswerTooLarge: that is more than is allowed still; nothing is read then.
        """
        if size - len(self._buffer) > self._left:
            raise AnswerTooLarge
        while len(self._buffer) < size and self._fill():
            continue
        return self._taken(size)

    def wait(self, seconds: float) -> bool:
        """Whether something is there to be read, at the latest after so long."""
        if self._buffer:
            return True
        self._sock.settimeout(seconds)
        try:
            # Also at the end of the connection: whoever reads then learns of it.
            self._fill()
        except TimeoutError:
            return False
        finally:
            self._sock.settimeout(None)
        return True

    def close(self) -> None:
        """Forget what was not read; the socket is another's to close."""
        self._buffer.clear()

    def _fill(self) -> bool:
        block = self._sock.recv(_BLOCK_BYTES)
        self._left -= len(block)
        if self._left < 0:
            raise AnswerTooLarge
        self._buffer += block
        return bool(block)

    def _taken(self, size: int) -> bytes:
        taken = bytes(memoryview(self._buffer)[:size])
        del self._buffer[:size]
        return taken
