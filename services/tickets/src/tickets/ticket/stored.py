"""What bulk writes did, as documents: the store only says what became of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from service_kit.docstore import Document, Fate

D = TypeVar("D", bound=Document)


@dataclass(frozen=True, slots=True)
class Written(Generic[D]):
    """The documents that were written, as they are stored now, and the ids of those that were refused."""

    done: Sequence[D]
    lost: frozenset[str]


def written(documents: Sequence[D], fates: Sequence[Fate]) -> Written[D]:
    """The outcome of an insert or replace of `documents`."""
    pairs = list(zip(documents, fates, strict=True))
    return Written(
        done=[document.model_copy(update={"rev": document.rev + 1}) for document, fate in pairs if fate is Fate.DONE],
        lost=frozenset(document.id for document, fate in pairs if fate is not Fate.DONE),
    )
