"""`If-Match` with the version of a ticket: quoted as HTTP says, or bare as people write it."""

import re
from typing import Annotated

from fastapi import Depends, Header

from service_kit.problem import Problem

_VERSION = re.compile(r'"(\d{1,18})"|(\d{1,18})', re.ASCII)


def parse_if_match(header: str | None) -> int | None:
    """The version the caller last saw; None where it does not say, or says `*`.

    Raises:
        Problem: 400 `bad_if_match`.
    """
    if header is None or header.strip() == "*":
        return None
    match = _VERSION.fullmatch(header.strip())
    if match is None:
        raise Problem(400, "bad_if_match", "If-Match must be one version, such as 7.")
    return int(match[1] or match[2])


async def _if_match(
    if_match: Annotated[str | None, Header(max_length=100, description="The version this change is based on.")] = None,
) -> int | None:
    return parse_if_match(if_match)


IfMatch = Annotated[int | None, Depends(_if_match)]
"""The parsed header as a parameter of a route."""
