"""What one collection stores in MongoDB: names and forms only, so that schema, writes and queries agree on them.

    _id       the document's id
    rev       its revision, what every write compares
    body      the document as JSON text
    form      which declaration the rest was written for
    f         {field: value} of every indexed scalar field; null where there is none
    l         {field: [strings]} of every list field, each string once
    u         {index: value} of every unique index whose fields all have values
    writers   {slot: change id} who made the last revisions (`WRITER_SLOTS` of them)

The indexed fields are written beside the body rather than indexed in it, for the reasons of the SQLite engine: a BSON
date keeps milliseconds only, and one JSON text costs the event loop a fraction of a nested BSON document.
"""

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Generic

from bson import encode

from service_kit.docstore.body import body_of
from service_kit.docstore.fields import ID, IndexedFields
from service_kit.docstore.port import D, DocumentTooLarge, Index
from service_kit.docstore.scalars import Stored

WRITER_SLOTS = 8
"""So many revisions may follow on a write before it can't be told any more who made it."""

_FORM = 1
"""Counts up when the same fields would be stored in another form."""

_MAX_BSON_BYTES = 16 * 1024 * 1024 - 16 * 1024
"""What MongoDB takes, less what an update wraps around it."""

_DIGEST_CHARACTERS = 12
_NAME_CHARACTERS = 60
INDEX_PREFIX = "deskbus_"

Content = dict[str, Any]
"""A BSON document."""


@dataclass(frozen=True, slots=True)
class RecordIndex:
    """An index of MongoDB's; its name says all of it. `says` is how people call it."""

    keys: tuple[str, ...]
    unique: bool
    says: str

    @property
    def name(self) -> str:
        """Ours, and another one for every other definition."""
        words = f"{'unique' if self.unique else 'by'}_{'_'.join(self.keys)}".replace(".", "_").replace(",", "_")
        digest = _digest([self.unique, self.keys])
        return f"{INDEX_PREFIX}{words[:_NAME_CHARACTERS]}_{digest}"


@dataclass(frozen=True, slots=True)
class Record:
    """What is stored of one document in one write. `claims`: what no other document may hold."""

    id: str
    rev: int
    content: Content
    size: int
    claims: frozenset[tuple[str, str]]


class Records(Generic[D]):
    """Names of one collection's fields and indexes; and the records its documents become."""

    def __init__(self, fields: IndexedFields[D]) -> None:
        self.fields = fields
        self.collection = fields.spec.name
        self._unique = tuple(dict.fromkeys(index for index in fields.spec.indexes if index.unique))
        self.indexes = tuple(dict.fromkeys(self._indexes()))
        self.form = _digest([_FORM, fields.scalars, fields.lists, [index.fields for index in self._unique]])

    def path(self, field: str) -> str:
        """Where a record holds a scalar field."""
        return "_id" if field == ID else f"f.{_flat(field)}"

    def list_path(self, field: str) -> str:
        """Where a record holds a list field."""
        return f"l.{_flat(field)}"

    def record(self, document: D, rev: int) -> Record:
        """What to store of `document` when it is written as `rev`.

        Raises:
            DocumentTooLarge: no engine would take it.
            TypeError: an indexed value is of a type that no index can hold.
            ValueError: an indexed moment without a zone, or a text that is not Unicode.
        """
        scalars = dict(zip(self.fields.scalars, self.fields.scalars_of(document), strict=True))
        lists = zip(self.fields.lists, self.fields.lists_of(document), strict=True)
        unique = self._unique_values(scalars | {ID: document.id})
        content = {
            "rev": rev,
            "body": body_of(document, rev),
            "form": self.form,
            "f": {_flat(field): value for field, value in scalars.items()},
            "l": {_flat(field): sorted(strings) for field, strings in lists},
            "u": unique,
        }
        size = len(encode(content))
        if size > _MAX_BSON_BYTES:
            raise DocumentTooLarge(f"document {document.id} is too large with what is indexed of it")
        return Record(document.id, rev, content, size, frozenset(unique.items()))

    def document(self, body: str) -> D:
        """The document that became a record with this body."""
        return self.fields.spec.model.model_validate_json(body)

    def _unique_values(self, scalars: dict[str, Stored]) -> dict[str, str]:
        values = {index: [_plain(scalars[field]) for field in index.fields] for index in self._unique}
        return {
            _unique_key(index): json.dumps(held, ensure_ascii=False, separators=(",", ":"))
            for index, held in values.items()
            if None not in held
        }

    def _indexes(self) -> list[RecordIndex]:
        """One for each declared index and each list, each ending with the id, which breaks ties.

        Unique values have a field of their own, because MongoDB's unique indexes take missing values for one value.
        """
        found: list[RecordIndex] = [RecordIndex(("form", "_id"), False, f"{self.collection} by form")]
        for index in self.fields.spec.indexes:
            says = f"{self.collection} {'unique' if index.unique else 'by'} {', '.join(index.fields)}"
            keys = tuple(
                self.list_path(field) if field in self.fields.lists else self.path(field) for field in index.fields
            )
            found.append(RecordIndex(keys if "_id" in keys else (*keys, "_id"), False, says))
            if index.unique:
                found.append(RecordIndex((f"u.{_unique_key(index)}",), True, says))
        found += [
            RecordIndex((self.list_path(field), "_id"), False, f"{self.collection} by {field}")
            for field in self.fields.lists
        ]
        return [index for index in found if index.keys != ("_id",)]


def writer_slot(rev: int) -> str:
    """Where a record notes who made its revision `rev`."""
    return f"s{rev % WRITER_SLOTS}"


def _flat(field: str) -> str:
    """A field's path as one name: MongoDB would take its dots for paths of its own."""
    return field.replace(".", ":")


def _unique_key(index: Index) -> str:
    return ",".join(_flat(field) for field in index.fields)


def _plain(value: Stored) -> Stored:
    """One form for equal numbers."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _digest(definition: object) -> str:
    return sha256(json.dumps(definition).encode()).hexdigest()[:_DIGEST_CHARACTERS]
