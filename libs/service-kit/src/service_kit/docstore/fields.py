"""What a collection is indexed by, resolved against its model once, and read from each document on every write.

Engines store these values beside the document and answer every filter from them, so that all engines agree
on what a field's value is; the document itself stays opaque to them.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Generic

from pydantic import BaseModel

from service_kit.docstore.field_types import field_type
from service_kit.docstore.port import CollectionSpec, D, Document, Index
from service_kit.docstore.scalars import Stored, comparable

_COLLECTION_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_PATH = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")

ID = "id"


class IndexedFields(Generic[D]):
    """The indexed fields of one collection: `scalars` (without the id) and `lists` (with the tokens), in fixed order.

    Raises (on construction):
        ValueError: the specification could never work; the text says which part and why.
    """

    def __init__(self, spec: CollectionSpec[D]) -> None:
        self.spec = spec
        lists = spec.lists | ({spec.tokens} if spec.tokens else set())
        self.lists = tuple(sorted(lists))
        named = {field for index in spec.indexes for field in index.fields}
        self.scalars = tuple(sorted(named - lists - {ID}))
        self._check_names(named | lists)
        for index in spec.indexes:
            self._check_index(index)
        self._types = {field: field_type(spec.model, field) for field in (ID, *self.scalars, *self.lists)}
        self._check_types()
        self.leading = frozenset({ID, *self.lists, *(index.fields[0] for index in spec.indexes)})

    def is_nullable(self, field: str) -> bool:
        """Whether documents may lack the field."""
        return self._types[field].nullable

    def scalars_of(self, document: D) -> tuple[Stored, ...]:
        """The comparable value of each of `scalars`.

        Raises:
            TypeError: a value is of a type that no index can hold.
            ValueError: a moment without a zone.
        """
        return tuple(comparable(_value_at(document, field)) for field in self.scalars)

    def lists_of(self, document: D) -> tuple[frozenset[str], ...]:
        """The distinct strings in each of `lists`.

        Raises:
            TypeError: a value is not a list of strings.
        """
        return tuple(_strings(_value_at(document, field), field) for field in self.lists)

    def _check_names(self, fields: Iterable[str]) -> None:
        if not _COLLECTION_NAME.fullmatch(self.spec.name):
            raise ValueError(f"{self.spec.name!r} cannot name a collection: lower-case words joined by one _")
        for field in fields:
            if not _PATH.fullmatch(field) or field == "rev":
                raise ValueError(f"{self.spec.name}: {field!r} cannot be indexed")

    def _check_index(self, index: Index) -> None:
        if not index.fields or len(set(index.fields)) < len(index.fields):
            raise ValueError(f"{self.spec.name}: an index needs distinct fields, not {index.fields}")
        lists = [field for field in index.fields if field in self.lists]
        if lists and (index.unique or lists != [index.fields[-1]]):
            raise ValueError(f"{self.spec.name}: only the last field of a plain index can be a list: {index.fields}")

    def _check_types(self) -> None:
        for field in self.scalars:
            if not self._types[field].may_be_scalar:
                raise ValueError(f"{self.spec.name}: {field!r} is not a single value; name it in `lists`")
        for field in self.lists:
            if not self._types[field].may_be_list:
                raise ValueError(f"{self.spec.name}: {field!r} is not a list of strings")


def _value_at(document: Document, path: str) -> Any:
    value: Any = document
    for name in path.split("."):
        if isinstance(value, BaseModel):
            value = getattr(value, name)
        elif isinstance(value, Mapping):
            value = value.get(name)
        else:
            return None
    return value


def _strings(value: Any, field: str) -> frozenset[str]:
    if value is None:
        return frozenset()
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise TypeError(f"{field!r} holds {type(value).__name__}, not a list of strings")
    items = tuple(value)
    if set(map(type, items)) <= {str}:  # nearly always; a search list holds up to a thousand
        return frozenset(items)
    return frozenset(str(item) if isinstance(item, str) else _refuse(item, field) for item in items)


def _refuse(item: object, field: str) -> str:
    raise TypeError(f"{field!r} holds {type(item).__name__}, not only strings")
