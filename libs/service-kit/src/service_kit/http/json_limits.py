"""What a JSON body may hold: nothing that a store, the bus or a reader of either would choke on later."""

import math
from typing import Any

from fastapi import Request
from starlette.requests import HTTPConnection

from service_kit.problem import Problem

MAX_DEPTH = 32
_MAX_INTEGER = 2**63 - 1


def flaw_of(value: Any) -> str | None:
    """The first thing wrong with parsed JSON as a sentence, or None. Iterative: depth is what it guards against."""
    pending: list[tuple[Any, int]] = [(value, 0)]
    while pending:
        item, depth = pending.pop()
        if depth > MAX_DEPTH:
            return f"JSON may be nested {MAX_DEPTH} deep."
        match item:
            case str():
                if (flaw := _flaw_of_text(item)) is not None:
                    return flaw
            case bool() | None:
                continue
            case int() | float():
                if not math.isfinite(item) or abs(item) > _MAX_INTEGER:
                    return "Numbers must be finite and within 64 bits."
            case dict():
                pending.extend((part, depth + 1) for pair in item.items() for part in pair)
            case list():
                pending.extend((part, depth + 1) for part in item)
    return None


async def refuse_flawed_json(request: HTTPConnection) -> None:
    """Check the body of HTTP routes that declare one; those that read the raw request judge it themselves.

    A gateway must keep what it cannot use (I6), so the check must not stand in front of it.
    """
    declared = getattr(request.scope.get("route"), "body_field", None)
    if not isinstance(request, Request) or declared is None or not _is_json(request.headers.get("content-type", "")):
        return
    if not await request.body():
        return
    # FastAPI has parsed it with this very call, answers 422 or 400 itself where that fails, and caches the outcome.
    if (flaw := flaw_of(await request.json())) is not None:
        raise Problem(422, "invalid_request", flaw, errors=[{"field": "body", "message": flaw, "type": "json_limits"}])


def _is_json(content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type == "application/json" or (media_type.startswith("application/") and media_type.endswith("+json"))


def _flaw_of_text(text: str) -> str | None:
    if "\x00" in text:
        return "Text must not hold the NUL character."
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        return "Text must not hold lone surrogates."
    return None
