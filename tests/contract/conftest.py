"""What of this folder is not even read."""

from pathlib import Path

import pytest

_FUZZED = "test_contracts_fuzzed_api.py"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Where the laws are left out, so is the library that fuzzes: every worker would take a second to import it."""
    return True if collection_path.name == _FUZZED and "not laws" in config.option.markexpr else None
