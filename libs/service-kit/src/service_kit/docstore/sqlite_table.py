"""The tables of one collection: names and forms only, so that schema, writes and queries agree on them.

    <collection>            n, id, rev, one column for each indexed scalar field, lists, body
    <collection>__<list>    term, n: one row for each distinct string of a list field

A collection that is searched has one index more than its specification says: by row, with what lists are narrowed and
sorted by. A search looks at hundreds of rows to show fifty, and rows are long and lie anywhere in the file.

`body` is the document as JSON. The columns are written beside it rather than generated from it: pydantic prints
moments in varying widths, and SQLite's JSON functions end a string at its first NUL. `lists` says which rows of the
list tables are the document's, so that an update touches only those that differ.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic

from service_kit.docstore.body import body_of
from service_kit.docstore.fields import ID, IndexedFields
from service_kit.docstore.port import D
from service_kit.docstore.scalars import Stored
from service_kit.docstore.sqlite_lists import ListTable

Lists = tuple[frozenset[str], ...]
"""The distinct strings of each list field, in the order of the table's lists."""

_FIELDS_OF_A_LIST = 3
"""An index of fewer serves to find something; what narrows twice, or narrows and sorts, serves to list."""


@dataclass(frozen=True, slots=True)
class TableIndex:
    """An index over the columns of `fields`, in order, perhaps by row first; its name says all of it."""

    name: str
    fields: tuple[str, ...]
    unique: bool
    by_row: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """What is stored of one document; `scalars` and `lists` in the order of the table's."""

    id: str
    rev: int
    body: str
    scalars: tuple[Stored, ...]
    lists: Lists
    lists_text: str


class Table(Generic[D]):
    """Names of one collection's table, columns and indexes; and the rows its documents become."""

    def __init__(self, fields: IndexedFields[D]) -> None:
        self.fields = fields
        self.collection = fields.spec.name
        self.name = f'"{self.collection}"'
        self.columns = tuple(f'"f_{field}"' for field in fields.scalars)
        self.lists = tuple(ListTable(self.collection, field) for field in fields.lists)
        self._column_of = dict(zip(fields.scalars, self.columns, strict=True)) | {ID: "id"}
        self._list_of = dict(zip(fields.lists, self.lists, strict=True))
        self.indexes = tuple(dict.fromkeys(self._indexes()))  # two that end with lists may become one
        self.by_row = self._by_row()
        self.stored_indexes = self.indexes if self.by_row is None else (*self.indexes, self.by_row)

    def column(self, field: str) -> str:
        """The column that holds a scalar field."""
        return self._column_of[field]

    def columns_of(self, index: TableIndex) -> tuple[str, ...]:
        """The columns of an index, in order."""
        columns = tuple(self.column(field) for field in index.fields)
        return ("n", *columns) if index.by_row else columns

    def list_table(self, field: str) -> ListTable:
        """The table that holds a list field."""
        return self._list_of[field]

    def row(self, document: D, rev: int) -> Row:
        """What to store of `document` when it is written as `rev`.

        Raises:
            DocumentTooLarge: no engine would take it.
            TypeError: an indexed value is of a type that no index can hold.
            ValueError: an indexed moment without a zone, or a text that is not Unicode.
        """
        lists = self.fields.lists_of(document)
        return Row(
            id=document.id,
            rev=rev,
            body=body_of(document, rev),
            scalars=self.fields.scalars_of(document),
            lists=lists,
            lists_text=json.dumps([sorted(terms) for terms in lists], ensure_ascii=False),
        )

    def document(self, body: str) -> D:
        """The document that became a row with this body."""
        return self.fields.spec.model.model_validate_json(body)

    def stored_lists(self, lists_text: str) -> Lists:
        """The lists that were stored with this text."""
        return tuple(frozenset(terms) for terms in json.loads(lists_text))

    def _indexes(self) -> Iterator[TableIndex]:
        """Those declared. A list at the end lives in its own table; plain ones end with the id, which breaks ties."""
        for index in dict.fromkeys(self.fields.spec.indexes):
            scalars = tuple(field for field in index.fields if field not in self.fields.lists)
            if not index.unique and ID not in scalars:
                scalars = (*scalars, ID)
            if scalars != (ID,):
                kind = "unique" if index.unique else "by"
                yield TableIndex(f"{self.collection} {kind} {', '.join(scalars)}", scalars, index.unique)

    def _by_row(self) -> TableIndex | None:
        listing = [index for index in self.fields.spec.indexes if len(index.fields) >= _FIELDS_OF_A_LIST]
        listed = {field for index in listing if not index.unique for field in index.fields} - {ID, *self.fields.lists}
        if self.fields.spec.tokens is None or not listed:
            return None
        fields = (*sorted(listed), ID)
        return TableIndex(f"{self.collection} by row, {', '.join(fields)}", fields, unique=False, by_row=True)
