"""Whether a server is there that speaks first, as those of mail do."""

import socket

_SECONDS = 1.0


def greets(port: int, words: bytes) -> bool:
    """Whether the server on a port of this machine begins with these words."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=_SECONDS) as connection:
            return connection.recv(len(words)) == words
    except OSError:
        return False
