"""What can serve MongoDB's protocol here: how each is had and started, and what it really is."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engines import golang
from engines.cache import Cache
from engines.errors import EngineMissingError

_FERRETDB = "FerretDB 1.24.2"
_FERRETDB_SOURCE = Path(__file__).parent / "ferretdb"
_FERRETDB_MODULE = "github.com/FerretDB/FerretDB"


@dataclass(frozen=True)
class Kind:
    """A server program."""

    name: str
    command: Callable[[int, Path], list[str]]
    """Makes the command from a port and a data folder."""


def best_kind(cache: Cache) -> Kind:
    """The first that this machine has or can make.

    Raises:
        EngineMissingError: there is none.
    """
    try:
        return mongod() or ferretdb(cache)
    except EngineMissingError as error:
        raise EngineMissingError(f"there is no `mongod` on PATH, and {error}") from error


def mongod() -> Kind | None:
    """MongoDB itself, as a replica set of one: only members of a set know write concerns and transactions."""
    found = shutil.which("mongod")
    if found is None:
        return None
    fixed = [found, "--replSet", "deskbus", "--bind_ip", "127.0.0.1"]
    return Kind(
        "MongoDB (mongod of this machine)", lambda port, data: [*fixed, "--port", str(port), "--dbpath", str(data)]
    )


def ferretdb(cache: Cache) -> Kind:
    """FerretDB on SQLite files, changed (`changes.patch`) so that a compare-and-swap is one and uses an index."""
    program = golang.command(
        cache,
        _FERRETDB,
        _FERRETDB_SOURCE,
        tags="ferretdb_no_postgresql",
        module=_FERRETDB_MODULE,
    )
    return Kind(
        f"{_FERRETDB} on SQLite, one writer at a time (not MongoDB)",
        lambda port, data: [str(program), f"127.0.0.1:{port}", str(data)],
    )
