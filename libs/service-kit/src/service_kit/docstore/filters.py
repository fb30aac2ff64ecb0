"""The small closed filter language that every engine implements alike.

Fields are dotted paths declared by the collection's indexes. A missing field and `None` are the same thing.
Values are of one type per field; datetimes are aware and compare as instants. A filter is nested at most 16 deep,
and has at most 200 parts with 10,000 values; more is refused with `ValueError`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Scalar = str | int | float | bool | datetime | None


@dataclass(frozen=True, slots=True)
class Eq:
    """`field` equals `value`; with `None`: is missing or null."""

    field: str
    value: Scalar


@dataclass(frozen=True, slots=True)
class Ne:
    """`field` differs from `value`; a missing field differs from every value but `None`."""

    field: str
    value: Scalar


@dataclass(frozen=True, slots=True)
class In:
    """`field` equals one of `values`. No value matches nothing."""

    field: str
    values: Sequence[Scalar]


@dataclass(frozen=True, slots=True)
class Cmp:
    """`field` compares to `value`; a missing field never matches, nor does anything compare to `None`."""

    field: str
    op: Literal["<", "<=", ">", ">="]
    value: Scalar


@dataclass(frozen=True, slots=True)
class Has:
    """The list `field` contains at least one of `values` (strings). No value matches nothing."""

    field: str
    values: Sequence[str]


@dataclass(frozen=True, slots=True)
class Match:
    """Every word of `text`, normalised, is a prefix of one of the document's search tokens.

    A text without words matches nothing. Words and tokens are those of `service_kit.docstore.tokens`.
    """

    text: str


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds. No part: everything matches."""

    parts: Sequence["Filter"]

    def __init__(self, *parts: "Filter") -> None:
        object.__setattr__(self, "parts", parts)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds. No part: nothing matches."""

    parts: Sequence["Filter"]

    def __init__(self, *parts: "Filter") -> None:
        object.__setattr__(self, "parts", parts)


Filter = Eq | Ne | In | Cmp | Has | Match | All | AnyOf
