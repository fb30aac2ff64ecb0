"""The document-store port. Services use these names and never a driver's class."""

from service_kit.docstore.filters import All, AnyOf, Cmp, Eq, Filter, Has, In, Match, Ne
from service_kit.docstore.port import (
    Collection,
    CollectionSpec,
    DocStore,
    Document,
    DocumentTooLarge,
    Fate,
    Index,
    InvalidCursorError,
    Page,
    Sort,
    StoreUnavailable,
    UnindexedQueryError,
)

__all__ = [
    "All",
    "AnyOf",
    "Cmp",
    "Collection",
    "CollectionSpec",
    "DocStore",
    "Document",
    "DocumentTooLarge",
    "Eq",
    "Fate",
    "Filter",
    "Has",
    "In",
    "Index",
    "InvalidCursorError",
    "Match",
    "Ne",
    "Page",
    "Sort",
    "StoreUnavailable",
    "UnindexedQueryError",
]
