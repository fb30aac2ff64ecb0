"""The list of crash points is complete. Kills nothing, so that it runs with every `make test`."""

import re
from pathlib import Path

from faults.crash_paths import BESIDE_THEIR_SERVICE, CRASH_PATHS, FOUNDING

ROOT = Path(__file__).resolve().parents[2]


def test_every_crash_point_of_the_code_is_tried() -> None:
    """A point that somebody adds must be added to a path, or it would never be tried."""
    paths = (*CRASH_PATHS.values(), FOUNDING, BESIDE_THEIR_SERVICE)
    tried = {point.partition(":")[0] for path in paths for point in path}

    assert tried == _named_in_the_code()


def _named_in_the_code() -> set[str]:
    code = "\n".join(file.read_text() for folder in ("services", "libs", "deploy") for file in _sources(ROOT / folder))
    named = set(re.findall(r'crash_point\("([a-z_.]+)"\)|crash="([a-z_.]+)"', code))
    outboxes = {f"{prefix}.published" for prefix in re.findall(r'Outbox\([^)]*name="([a-z_.]+)"', code)}
    return {name for pair in named for name in pair if name} | outboxes


def _sources(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*.py") if "src" in file.parts and "testing" not in file.parts]
