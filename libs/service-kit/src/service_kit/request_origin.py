"""Where the request at hand came from, for what is written far from the edge; nothing outside a request."""

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RequestOrigin:
    """One request: its id, and the address it came from (that a trusted proxy told, if there is one)."""

    request_id: str
    source_address: str | None


CURRENT: ContextVar[RequestOrigin | None] = ContextVar("request_origin", default=None)
"""Set by `RequestLog` around every request."""
