"""The problems of every operation, as an OpenAPI document says them.

Those that the kit raises for all services are read off what an operation asks for; those of one route's own are given
by its service (`create_api(problems=…)`), as data: status and code, by method and path.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from service_kit.auth.dependency import Requires
from service_kit.http.admission_gate import WRITES
from service_kit.http.problems import MEDIA_TYPE, SEALED_WITH_ANOTHER_KEY

_PROBLEM = {"$ref": "#/components/schemas/Problem"}

_DESCRIPTIONS: Mapping[int, str] = {
    400: "The address or a header cannot be read",
    401: "Nobody is signed in",
    403: "The caller may not",
    404: "There is no such thing, or it is another account's",
    406: "The mail will never be taken",
    409: "It cannot be done now",
    412: "It has changed since the caller saw it",
    413: "The request is too large",
    415: "The body is of no kind that is understood",
    422: "The request does not fit",
    429: "Too much at once; `Retry-After` says when to ask again",
    500: "The service is not set up as it was; its operator must act",
    502: "Another system answers wrongly, or not at all",
    503: "It cannot be answered now; `Retry-After` says when to ask again",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What an operation asks for, as far as problems follow from it."""

    method: str
    headers: frozenset[str]
    queries: frozenset[str]
    has_path_parameters: bool
    has_body: bool
    needs_caller: bool
    needs_permission: bool

    @property
    def is_keyed(self) -> bool:
        """Whether an Idempotency-Key counts: only callers have keys."""
        return self.needs_caller and self.method in WRITES


@dataclass(frozen=True, slots=True)
class CommonProblem:
    """A problem that the kit raises for every service, and when it may."""

    status: int
    code: str
    detail: str
    happens: Callable[[Asked], bool]


COMMON_PROBLEMS: tuple[CommonProblem, ...] = (
    CommonProblem(400, "bad_request", "The address must not hold the NUL character.", lambda _: True),
    CommonProblem(
        400, "invalid_cursor", "The cursor was not handed out by this list.", lambda asked: "cursor" in asked.queries
    ),
    CommonProblem(
        400, "bad_if_match", "If-Match must be one version, such as 7.", lambda asked: "if-match" in asked.headers
    ),
    CommonProblem(400, "bad_idempotency_key", "Idempotency-Key has 1 to 255 characters.", lambda asked: asked.is_keyed),
    CommonProblem(401, "unauthenticated", "A valid session or API key is needed.", lambda asked: asked.needs_caller),
    CommonProblem(403, "forbidden", "This needs the permission tickets:read.", lambda asked: asked.needs_permission),
    CommonProblem(404, "not_found", "There is no such ticket.", lambda asked: asked.has_path_parameters),
    CommonProblem(409, "idempotency_in_progress", "The same request is being handled.", lambda asked: asked.is_keyed),
    CommonProblem(413, "too_large", "The body may have 1048576 bytes.", lambda asked: asked.has_body),
    CommonProblem(
        422,
        "invalid_request",
        "query.limit: Input should be less than or equal to 200",
        lambda asked: asked.has_body or asked.has_path_parameters or bool(asked.queries | asked.headers),
    ),
    CommonProblem(
        422,
        "idempotency_key_reused",
        "This Idempotency-Key stands for another request.",
        lambda asked: asked.is_keyed,
    ),
    CommonProblem(500, "secret_unreadable", SEALED_WITH_ANOTHER_KEY, lambda _: True),
    CommonProblem(503, "storage_full", "There is no room for new work.", lambda asked: asked.method in WRITES),
    CommonProblem(503, "unavailable", "A part of the service cannot answer now.", lambda _: True),
)

_KEY_PARAMETER: Mapping[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key with the same request within 24 hours gets the same answer, done once.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "example": "order-1042-refund",
}


OwnProblems = Mapping[str, Sequence[str]]
"""The problems of operations' own: `{"PUT /v1/tickets/{ticket_id}/tags": ("412 stale", "422 too_many_tags")}`."""


def add_problems(document: dict[str, Any], routes: list[BaseRoute], own: OwnProblems) -> None:
    """Say of every operation which problems it may answer with, and that its writes take an Idempotency-Key."""
    permitted = set(_permitted(routes))
    for path, item in document.get("paths", {}).items():
        for method, operation in item.items():
            asked = _asked(method.upper(), operation, needs_permission=(method.upper(), path) in permitted)
            if asked.is_keyed and "idempotency-key" not in asked.headers:
                operation.setdefault("parameters", []).append({**_KEY_PARAMETER})
            for problem in COMMON_PROBLEMS:
                if problem.happens(asked):
                    _document(operation["responses"], problem.status, problem.code, problem.detail)
            for named in own.get(f"{method.upper()} {path}", ()):
                status, _, code = named.partition(" ")
                _document(operation["responses"], int(status), code, f"{code.replace('_', ' ').capitalize()}.")


def _asked(method: str, operation: Mapping[str, Any], *, needs_permission: bool) -> Asked:
    parameters = operation.get("parameters", ())
    places = {place: {one["name"].lower() for one in parameters if one["in"] == place} for place in ("header", "query")}
    return Asked(
        method=method,
        headers=frozenset(places["header"]),
        queries=frozenset(places["query"]),
        has_path_parameters=any(one["in"] == "path" for one in parameters),
        has_body="requestBody" in operation,
        needs_caller=bool(operation.get("security")),
        needs_permission=needs_permission,
    )


def _document(responses: dict[str, Any], status: int, code: str, detail: str) -> None:
    answer = responses.setdefault(str(status), {"description": _DESCRIPTIONS[status]})
    media = answer.setdefault("content", {}).setdefault(MEDIA_TYPE, {"schema": {**_PROBLEM}})
    media.setdefault("examples", {})[code] = {
        "summary": detail,
        "value": {
            "type": f"urn:deskbus:problem:{code}",
            "title": HTTPStatus(status).phrase,
            "status": status,
            "code": code,
            "detail": detail,
            "instance": "urn:deskbus:request:req_1",
        },
    }


def _permitted(routes: list[BaseRoute]) -> Iterator[tuple[str, str]]:
    """Method and path of the routes that ask for a permission."""
    for route in routes:
        if isinstance(route, APIRoute) and _requires(route.dependant):
            yield from ((method, route.path_format) for method in route.methods or ())


def _requires(dependant: Dependant) -> bool:
    return any(isinstance(part.call, Requires) or _requires(part) for part in dependant.dependencies)
