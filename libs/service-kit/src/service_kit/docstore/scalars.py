"""How a value is stored so that every engine compares it alike."""

from datetime import UTC, datetime
from enum import Enum
from math import isnan

from service_kit.docstore.filters import Scalar

Stored = str | int | float | None


def comparable(value: Scalar) -> Stored:
    """The form of `value` that engines store and compare.

    Moments become fixed-width text in UTC, so that text order is the order of instants down to the microsecond
    (a BSON date would keep milliseconds only). Booleans become 0 and 1. What is not a number is missing.

    Raises:
        TypeError: `value` is of a type that no index can hold.
        ValueError: a moment without a zone.
    """
    match value:
        case Enum():
            return comparable(value.value)
        case bool():
            return int(value)
        case float() if isnan(value):
            return None
        case datetime():
            return _fixed_width(value)
        case None | str() | int() | float():
            return value
        case _:
            raise TypeError(f"an indexed value cannot be of type {type(value).__name__}")


def _fixed_width(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise ValueError("an indexed moment must carry its zone")
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
