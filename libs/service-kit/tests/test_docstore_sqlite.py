"""The document-store contract on SQLite."""

from pathlib import Path

import pytest

from service_kit.docstore.sqlite import SqliteDocStore
from service_kit.testing.docstore_contract import DocStoreContract


class SqliteHarness:
    """Stores on one file."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "store.sqlite"

    def store(self) -> SqliteDocStore:
        """Another store on the file."""
        return SqliteDocStore(self._path)


@pytest.fixture
def harness(tmp_path: Path) -> SqliteHarness:
    """A file of this test's own."""
    return SqliteHarness(tmp_path)


class TestSqliteDocStore(DocStoreContract):
    """Every promise of the port."""
