"""Documents while a batch decides about them: as they are stored, and as they shall be. No I/O."""

from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

from service_kit.docstore import Document

D = TypeVar("D", bound=Document)


class Drafts(Generic[D]):
    """Documents of one collection: as they are stored, and as this batch will have them."""

    def __init__(self, stored: Mapping[str, D]) -> None:
        self._stored = stored
        self._current = dict(stored)

    def get(self, document_id: str | None) -> D | None:
        """A document as this batch has it by now."""
        return self._current.get(document_id) if document_id is not None else None

    def put(self, document: D) -> None:
        """A document as this batch wants it."""
        self._current[document.id] = document

    def before(self, document_id: str) -> D | None:
        """A document as it is stored."""
        return self._stored.get(document_id)

    @property
    def current(self) -> Mapping[str, D]:
        """All of them as this batch has them."""
        return self._current

    @property
    def changed(self) -> Sequence[D]:
        """Those to write, in the order in which they were first put."""
        return [document for document in self._current.values() if document is not self._stored.get(document.id)]
