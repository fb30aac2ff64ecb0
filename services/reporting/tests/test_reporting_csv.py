import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from reporting.csv_text import csv_lines, safe_cell


class Line(BaseModel):
    """A row with every kind of cell."""

    name: str
    count: int
    seconds: float | None


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", " =", "\uff1d"])
def test_what_a_spreadsheet_would_run_is_text(start: str) -> None:
    """A cell that begins like a formula gets an apostrophe before it (R4)."""
    assert safe_cell(f"{start}HYPERLINK(1)") == f"'{start}HYPERLINK(1)"


@pytest.mark.parametrize("value", [-5, -0.5, None, "plain", "a=b", ""])
def test_everything_else_is_left_alone(value: object) -> None:
    """Numbers stay numbers, negative ones too."""
    assert safe_cell(value) == value


def test_rows_are_lines_under_a_heading() -> None:
    """Fields in their order, null as nothing, quotes as the format wants them."""
    lines = "".join(
        csv_lines(Line, [Line(name='a "b", c', count=-1, seconds=None), Line(name="=1", count=2, seconds=0.5)])
    )

    assert lines == 'name,count,seconds\r\n"a ""b"", c",-1,\r\n\'=1,2,0.5\r\n'


def test_no_rows_are_a_heading() -> None:
    """An empty report still says what its columns are."""
    assert "".join(csv_lines(Line, [])) == "name,count,seconds\r\n"


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))))
def test_any_text_survives_and_none_begins_a_formula(names: list[str]) -> None:
    """What is read back is what was written, but for the apostrophe."""
    text = "".join(csv_lines(Line, [Line(name=name, count=1, seconds=None) for name in names]))
    cells = [row[0] for row in csv.reader(io.StringIO(text, newline=""))][1:]

    assert [cell.removeprefix("'") if cell != name else cell for cell, name in zip(cells, names, strict=True)] == names
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells)
