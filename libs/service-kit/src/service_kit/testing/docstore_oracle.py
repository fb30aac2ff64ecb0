"""A second opinion on letters and filters: plain Python over plain objects, sharing nothing with any engine."""

from collections.abc import Callable, Iterable, Mapping
from operator import ge, gt, le, lt
from typing import Any, assert_never

from service_kit.docstore import All, AnyOf, Cmp, Eq, Fate, Filter, Has, In, Match, Ne, Sort
from service_kit.testing.docstore_harness import Letter

_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {"<": lt, "<=": le, ">": gt, ">=": ge}


class LetterOracle:
    """What a collection of letters must hold after the writes told to it.

    `Match` is judged for texts of plain lower-case words only; what a word is has tests of its own.
    """

    def __init__(self) -> None:
        self.letters: dict[str, Letter] = {}

    def insert(self, one: Letter) -> Fate:
        """What must become of an insert."""
        if one.id in self.letters:
            return Fate.EXISTS
        if self._is_taken(one):
            return Fate.CONFLICT
        self.letters[one.id] = one.model_copy(update={"rev": 1})
        return Fate.DONE

    def replace(self, one: Letter) -> Fate:
        """What must become of a replace."""
        if one.id not in self.letters or self.letters[one.id].rev != one.rev:
            return Fate.STALE
        if self._is_taken(one):
            return Fate.CONFLICT
        self.letters[one.id] = one.model_copy(update={"rev": one.rev + 1})
        return Fate.DONE

    def delete(self, one: Letter) -> Fate:
        """What must become of a delete."""
        if one.id not in self.letters or self.letters[one.id].rev != one.rev:
            return Fate.STALE
        del self.letters[one.id]
        return Fate.DONE

    def find(self, where: Filter, sort: Sort) -> list[Letter]:
        """All matches, in order."""
        matching = [one for one in self.letters.values() if holds(where, one)]
        return sorted(matching, key=lambda one: (_values(one)[sort.field], one.id), reverse=sort.descending)

    def _is_taken(self, one: Letter) -> bool:
        return one.number is not None and any(
            other.id != one.id and (other.account_id, other.number) == (one.account_id, one.number)
            for other in self.letters.values()
        )


def holds(where: Filter, one: Letter) -> bool:  # noqa: PLR0911 - one for each form of the language
    """Whether a letter is what a filter means."""
    match where:
        case Eq(field=field, value=value):
            return bool(_values(one)[field] == value)
        case Ne(field=field, value=value):
            return bool(_values(one)[field] != value)
        case In(field=field, values=values):
            return _values(one)[field] in list(values)
        case Cmp(field=field, op=op, value=value):
            mine = _values(one)[field]
            return mine is not None and value is not None and _COMPARE[op](mine, value)
        case Has(field="labels", values=values):
            return not set(one.labels).isdisjoint(values)
        case Has():
            raise ValueError("letters have no other list")
        case Match(text=text):
            return bool(text.split()) and all(_begins_one(word, one.text.split()) for word in text.split())
        case All(parts=parts):
            return all(holds(part, one) for part in parts)
        case AnyOf(parts=parts):
            return any(holds(part, one) for part in parts)
        case _:
            assert_never(where)


def _begins_one(prefix: str, words: Iterable[str]) -> bool:
    return any(word.startswith(prefix) for word in words)


def _values(one: Letter) -> dict[str, Any]:
    return {
        "id": one.id,
        "account_id": one.account_id,
        "number": one.number,
        "state": one.state,
        "urgent": one.urgent,
        "weight": one.weight,
        "written_at": one.written_at,
        "due_at": one.due_at,
        "reader.id": one.reader.id if one.reader else None,
        "reader.town": one.reader.town if one.reader else None,
    }
