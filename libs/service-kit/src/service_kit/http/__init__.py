"""The HTTP surface that every service shares: problems, pages, limits, idempotency, health."""

from service_kit.http.api import create_api
from service_kit.http.idempotency import IdempotencyKey
from service_kit.http.pages import Cursor, Limit, PageOf
from service_kit.http.problems import Problem, not_found
from service_kit.http.versions import IfMatch, parse_if_match

__all__ = [
    "Cursor",
    "IdempotencyKey",
    "IfMatch",
    "Limit",
    "PageOf",
    "Problem",
    "create_api",
    "not_found",
    "parse_if_match",
]
