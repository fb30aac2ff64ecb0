"""`custom.<key>=<value>` in the address of a list: what custom fields narrow it (L8)."""

import re
from typing import Annotated

from fastapi import Depends, Request

from service_kit.problem import Problem
from tickets.custom.custom_fields import MAX_ASKED_FIELDS, MAX_TEXT

_PREFIX = "custom."
_KEY = re.compile(r"[a-z][a-z0-9_]{0,49}")


async def _asked_fields(request: Request) -> tuple[tuple[str, str], ...] | None:
    """FastAPI has no parameters whose names are not known before."""
    asked = [(name, value) for name, value in request.query_params.multi_items() if name.startswith(_PREFIX)]
    if len(asked) > MAX_ASKED_FIELDS:
        raise _refused(_PREFIX, f"a list is narrowed by {MAX_ASKED_FIELDS} custom fields at most")
    for name, value in asked:
        if not _KEY.fullmatch(name.removeprefix(_PREFIX)):
            raise _refused(name[:100], "the key of a custom field has 1 to 50 small letters, digits and _")
        if not 1 <= len(value) <= MAX_TEXT:
            raise _refused(name, f"a value has 1 to {MAX_TEXT} characters")
    return tuple((name.removeprefix(_PREFIX), value) for name, value in asked) or None


def _refused(name: str, message: str) -> Problem:
    errors = [{"field": f"query.{name}", "message": message, "type": "custom_field"}]
    return Problem(422, "invalid_request", f"query.{name}: {message}", errors=errors)


AskedFields = Annotated[tuple[tuple[str, str], ...] | None, Depends(_asked_fields)]
"""What custom fields a list is narrowed by; None where the request says nothing of them."""
