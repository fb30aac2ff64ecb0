"""Errors as RFC 9457 problem documents, each with a stable `code` that clients may rely on."""

from collections.abc import Mapping
from typing import Any

from service_kit.errors import DeskbusError

MEDIA_TYPE = "application/problem+json"


class Problem(DeskbusError):
    """An answer other than success. `extra` becomes further members of the document."""

    def __init__(
        self, status: int, code: str, detail: str, *, headers: Mapping[str, str] | None = None, **extra: Any
    ) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})
        self.extra = extra


def not_found(what: str) -> Problem:
    """What belongs to another account is not found either."""
    return Problem(404, "not_found", f"There is no such {what}.")
