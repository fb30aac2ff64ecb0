"""Macros: reusable texts with variables (N2). Pure; no I/O."""

import re
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field

from service_kit.docstore import CollectionSpec, Document, Index

MACROS_PER_ACCOUNT = 5_000

VARIABLES = frozenset({"contact.name", "ticket.number", "agent.name"})
"""Public contract: what a macro may say in double braces."""

_BRACES = re.compile(r"\{\{|\}\}")


def check_variables(text: str) -> str:
    """The text, if every variable in it is known; a typing error shows here and not in front of a customer.

    Raises:
        ValueError: a variable is unknown, or its braces do not match.
    """
    inside: int | None = None
    for brace in _BRACES.finditer(text):
        opens = brace.group() == "{{"
        if opens == (inside is not None):
            raise ValueError("every {{ needs its }}")
        if inside is not None and (name := text[inside : brace.start()].strip()) not in VARIABLES:
            raise ValueError(f"unknown variable {name[:100]!r}; known are {', '.join(sorted(VARIABLES))}")
        inside = brace.end() if opens else None
    if inside is not None:
        raise ValueError("every {{ needs its }}")
    return text


MacroName = Annotated[str, Field(min_length=1, max_length=200)]
MacroText = Annotated[str, Field(min_length=1, max_length=20_000), AfterValidator(check_variables)]
MacroCategory = Annotated[str, Field(min_length=1, max_length=100)]


class Macro(Document):
    """One text. `sort_name` is the name as lists order it."""

    account_id: str
    name: str
    sort_name: str
    text: str
    category: str | None
    created_at: datetime
    updated_at: datetime


MACROS = CollectionSpec(name="macros", model=Macro, indexes=(Index(("account_id", "sort_name")),))


def sort_name(name: str) -> str:
    """What orders names as people expect, upper and lower case together."""
    return name.casefold()
