"""SQLite stores for tests: the tables of the same collections are made once, and their file copied from then on."""

import shutil
from pathlib import Path
from typing import Any

from service_kit.docstore.port import CollectionSpec
from service_kit.docstore.sqlite import SqliteDocStore

Declared = tuple[CollectionSpec[Any], ...]


class StoreTemplates:
    """Files with tables and no documents, one for each set of collections that a store of this test run declared."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[Declared, Path] = {}

    def find(self, declared: Declared) -> Path | None:
        """The file with these collections, if a store has made them."""
        return self._files.get(declared)

    def keep(self, declared: Declared, file: Path) -> None:
        """Keep a file that nobody has open and that holds nothing but these collections."""
        self._files[declared] = Path(shutil.copyfile(file, self._folder / f"{len(self._files)}.sqlite"))


class TemplatedStore(SqliteDocStore):
    """A store that begins with a copy: most of its start is making some thirty tables, for every test again."""

    def __init__(self, path: Path, templates: StoreTemplates) -> None:
        super().__init__(path)
        self._templates = templates

    def _prepare(self) -> None:
        path = self._file.path
        if path.exists():
            super()._prepare()
            return
        declared = tuple(collection.table.fields.spec for collection in self._collections.values())
        template = self._templates.find(declared)
        if template is None:
            super()._prepare()
            self._templates.keep(declared, path)
        else:
            shutil.copyfile(template, path)
