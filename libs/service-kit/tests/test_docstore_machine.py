"""Random lives of a collection on SQLite."""

import shutil
import tempfile
from pathlib import Path

from hypothesis import settings

from service_kit.docstore.sqlite import SqliteDocStore
from service_kit.testing.docstore_machine import DocStoreMachine


class _Harness:
    """Stores on one file."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "store.sqlite"

    def store(self) -> SqliteDocStore:
        """Another store on the file."""
        return SqliteDocStore(self._path)


class SqliteMachine(DocStoreMachine):
    """The machine on SQLite."""

    def new_harness(self) -> _Harness:
        """A file in a folder of its own."""
        self.folder = Path(tempfile.mkdtemp())
        return _Harness(self.folder)

    def teardown(self) -> None:
        """Close, and remove the file."""
        super().teardown()
        shutil.rmtree(self.folder)


TestSqliteMachine = SqliteMachine.TestCase
TestSqliteMachine.settings = settings(max_examples=15, stateful_step_count=20)
