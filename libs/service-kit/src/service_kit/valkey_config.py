"""Where an embedded Valkey listens and what it is told. Pure."""

import os
import secrets
import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

_LONGEST_SOCKET_PATH = 100
"""`sun_path` holds 104 bytes on macOS and 108 on Linux, the final zero among them."""


@dataclass(frozen=True, slots=True)
class UnixSocket:
    """A socket in the home: nobody else on the machine can reach it."""

    path: Path

    @property
    def url(self) -> str:
        """How clients connect."""
        return f"unix://{quote(str(self.path))}"

    def lines(self) -> list[str]:
        """What the server is told."""
        return ["port 0", f"unixsocket {_quoted(self.path)}", "unixsocketperm 700"]


@dataclass(frozen=True, slots=True)
class LoopbackPort:
    """A port with a password, for homes whose path is too long for a socket."""

    port: int
    password: str

    @property
    def url(self) -> str:
        """How clients connect; it holds the password, so it is never logged."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def lines(self) -> list[str]:
        """What the server is told."""
        return [f"port {self.port}", "bind 127.0.0.1", f"requirepass {self.password}"]


Address = UnixSocket | LoopbackPort


def choose_address(home: Path) -> Address:
    """A socket in the home if its path is short enough, else a free port."""
    path = home / "valkey.sock"
    if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH:
        return UnixSocket(path)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return LoopbackPort(port, secrets.token_urlsafe(32))


def configuration(address: Address, data: Path) -> str:
    """Durable at every write: the log is synced before a write is confirmed. There are no snapshots beside it."""
    lines = [
        *address.lines(),
        f"dir {_quoted(data)}",
        "appendonly yes",
        "appendfsync always",
        'save ""',
        "maxmemory-policy noeviction",
        "daemonize no",
    ]
    return "\n".join(lines) + "\n"


def _quoted(path: Path) -> str:
    text = str(path).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{text}"'
