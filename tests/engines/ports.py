"""Ports for servers that are started again on the same ones."""

import random
import socket
from contextlib import ExitStack

_LOWEST = 15_000
_HIGHEST = 32_000
"""Below what systems give to outgoing connections, which could take the port of a server while it is down."""
_TRIES = 1000


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 on which nobody listens now."""
    with ExitStack() as held:
        ports: list[int] = []
        for port in random.sample(range(_LOWEST, _HIGHEST), _TRIES):
            if len(ports) == count:
                break
            listener = held.enter_context(socket.socket())
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
            ports.append(port)
    if len(ports) < count:
        raise OSError(f"no {count} free ports between {_LOWEST} and {_HIGHEST}")
    return ports
