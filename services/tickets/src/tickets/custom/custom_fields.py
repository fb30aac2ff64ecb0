"""Custom fields: what an account wants to know of tickets and contacts beyond what is built in (L8). Pure; no I/O."""

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Annotated, Literal, assert_never

from pydantic import Field

from contracts.ids import derive_id
from contracts.tickets import CustomFieldType
from service_kit.docstore import CollectionSpec, Document, Index

CUSTOM_FIELDS_PER_ACCOUNT = 100
HIDDEN_FIELDS_PER_ACCOUNT = 1_000
MAX_TEXT = 1_000
MAX_NUMBER = 1e15

CustomScope = Literal["ticket", "contact"]
"""Public contract: what a custom field is about."""

CustomValue = bool | int | float | str
"""A date is a text such as `2026-11-20`, a choice one of the options."""

FieldKey = Annotated[str, Field(min_length=1, max_length=50, pattern=r"^[a-z][a-z0-9_]*$")]
FieldLabel = Annotated[str, Field(min_length=1, max_length=100, pattern=r"\S")]
FieldOption = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^\S(.*\S)?$")]
FieldOrder = Annotated[int, Field(ge=0, le=999_999)]
AskedValue = Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]

MAX_ASKED_FIELDS = 5
"""A list may be narrowed by so many fields at once."""

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TERM_CHARACTERS = 200
_NAMED_OPTIONS = 10


class CustomField(Document):
    """The definition of one. The id derives from account, scope and key: a key means one thing for ever.

    A deleted one is `hidden`: what it was set to stays, and shows again when it is made anew.
    """

    account_id: str
    scope: CustomScope
    key: str
    label: str
    type: CustomFieldType
    options: tuple[str, ...] = ()
    required: bool = False
    order: int = 0
    hidden: bool = False
    created_at: datetime
    updated_at: datetime

    @property
    def place(self) -> str:
        """What orders fields: as they were told to stand, then by key."""
        return f"{self.order:06d}/{self.key}"


CUSTOM_FIELDS = CollectionSpec(
    name="custom_fields",
    model=CustomField,
    indexes=(Index(("account_id", "hidden", "place")), Index(("account_id", "scope", "hidden", "place"))),
)


def field_id(account_id: str, scope: CustomScope, key: str) -> str:
    """The id of the one field of that key."""
    return derive_id("cuf", account_id, scope, key)


def misfit(field: CustomField, value: CustomValue) -> str | None:
    """Why a value does not fit a field, in words that may follow its name; None if it fits."""
    match field.type:
        case "text":
            fits = isinstance(value, str) and bool(value.strip()) and len(value) <= MAX_TEXT
            return None if fits else f"must be a text of 1 to {MAX_TEXT} characters"
        case "number":
            fits = not isinstance(value, bool | str) and abs(value) <= MAX_NUMBER
            return None if fits else f"must be a number up to {MAX_NUMBER:.0f}"
        case "boolean":
            return None if isinstance(value, bool) else "must be true or false"
        case "date":
            return None if isinstance(value, str) and _is_date(value) else "must be a date such as 2026-11-20"
        case "choice":
            known = ", ".join(field.options[:_NAMED_OPTIONS])
            return None if value in field.options else f"must be one of its {len(field.options)} options: {known}"
        case _:
            assert_never(field.type)


def misfits(fields: Mapping[str, CustomField], values: Mapping[str, CustomValue | None]) -> dict[str, str]:
    """What is wrong with some values, one sentence each; None takes a value away."""
    found: dict[str, str] = {}
    for key, value in values.items():
        field = fields.get(key)
        if field is None:
            found[key] = "there is no such field"
        elif value is None:
            if field.required:
                found[key] = "is required, and cannot be emptied"
        elif (reason := misfit(field, value)) is not None:
            found[key] = reason
    return found


def terms(values: Mapping[str, CustomValue]) -> tuple[str, ...]:
    """What values are found by: the key, which kind of value it is, and its one spelling."""
    return tuple(_term(key, value) for key, value in values.items())


def asked_terms(key: str, asked: str) -> tuple[str, ...]:
    """Every term that could be meant by a value as an address has it; a key has values of one kind only."""
    return tuple(_term(key, value) for value in _meanings(asked))


def _term(key: str, value: CustomValue) -> str:
    match value:
        case bool():
            return f"{key}:b={str(value).lower()}"
        case int() | float():
            return f"{key}:n={int(value) if float(value).is_integer() else repr(float(value))}"
        case str():
            return f"{key}:t={' '.join(value.casefold().split())[:_TERM_CHARACTERS]}"
        case _:
            assert_never(value)


def _meanings(asked: str) -> Iterable[CustomValue]:
    yield asked
    if asked.strip().lower() in {"true", "false"}:
        yield asked.strip().lower() == "true"
    try:
        number = float(asked)
    except ValueError:
        return
    if abs(number) <= MAX_NUMBER:
        yield number


def _is_date(value: str) -> bool:
    try:
        return bool(_DATE.fullmatch(value)) and date.fromisoformat(value) is not None
    except ValueError:
        return False
