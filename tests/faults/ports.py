"""Ports for servers that come and go."""

import random
import socket

_PORTS = range(20_000, 32_000)
"""Below what kernels give to outgoing connections: a client that tries a dead server's port again and again would
otherwise end up connected to itself, and the next life could not listen there."""


def free_port() -> int:
    """A port where nobody listens."""
    while True:
        port = random.choice(_PORTS)  # noqa: S311 - any will do
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
