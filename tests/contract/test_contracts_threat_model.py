"""What SECURITY.md says is there is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "SECURITY.md").read_text()
THREATS = [line for line in TEXT.splitlines() if line.startswith("| ") and line.count("|") == 4 and "`test_" in line]


@pytest.fixture(scope="module")
def tests() -> set[str]:
    """The names of all tests."""
    sources = [path for folder in ("contracts", "deploy", "libs", "services", "tests") for path in _tests_in(folder)]
    return {name for source in sources for name in re.findall(r"def (test_\w+)\(", source.read_text())}


def _tests_in(folder: str) -> list[Path]:
    return list((ROOT / folder).rglob("test_*.py"))


def test_every_threat_names_tests_that_exist(tests: set[str]) -> None:
    """A threat whose test was renamed or removed is a threat that nobody looks at."""
    named = set(re.findall(r"`(test_\w+)`", TEXT))

    assert len(THREATS) > 25
    assert named - tests == set()


def test_every_threat_names_code_that_exists() -> None:
    """So does the place that stops it."""
    named = set(re.findall(r"`((?:services|libs|docs)/[\w./-]+\.\w+)`", TEXT))

    assert len(named) > 15
    assert {path for path in named if not (ROOT / path).exists()} == set()
