"""An answer other than success, raised by whatever stands at the HTTP edge (authentication, routes, settings)."""

from collections.abc import Mapping
from typing import Any

from service_kit.errors import DeskbusError


class Problem(DeskbusError):
    """Becomes an RFC 9457 document with a stable `code`. `extra` becomes further members of the document."""

    def __init__(
        self, status: int, code: str, detail: str, *, headers: Mapping[str, str] | None = None, **extra: Any
    ) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})
        self.extra = extra
