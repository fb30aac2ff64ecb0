"""Checksums of everything that is fetched as it is: `sha256sums` files, as the command of that name writes them."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from engines.errors import WrongChecksumError


def read_sums(path: Path) -> dict[str, str]:
    """Digests by file name."""
    lines = (line.split() for line in path.read_text().splitlines())
    return {name: digest for digest, name in lines}


def verify(folder: Path, sums: Mapping[str, str]) -> None:
    """Make sure that the folder holds exactly these files.

    Raises:
        WrongChecksumError: one is missing, strange or another than expected.
    """
    names = {path.name for path in folder.iterdir()}
    if odd := sorted(names ^ sums.keys()):
        raise WrongChecksumError(f"{folder}: missing or not expected: {', '.join(odd)}")
    for name, expected in sums.items():
        with (folder / name).open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != expected:
            raise WrongChecksumError(f"{folder / name}: sha256 is {found}, expected {expected}")
