"""Rows as CSV (RFC 4180) that no spreadsheet takes for formulas (R4). Pure."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pydantic import BaseModel

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What spreadsheets take for the beginning of a formula; the last four are the full-width forms."""


def csv_lines(shape: type[BaseModel], rows: Iterable[BaseModel]) -> Iterator[str]:
    """A heading with the fields of `shape`, then a line for each row, as JSON would say its values."""
    fields = list(shape.model_fields)
    yield _line(fields)
    for row in rows:
        values = row.model_dump(mode="json")
        yield _line([values[field] for field in fields])


def safe_cell(value: Any) -> Any:
    """Text with an apostrophe before what would be a formula; numbers, negative ones too, are left alone."""
    if isinstance(value, str) and value.lstrip(" \0").startswith(_FORMULA_STARTS):
        return f"'{value}"
    return value


def _line(cells: Sequence[Any]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow([safe_cell(cell) for cell in cells])
    return text.getvalue()
