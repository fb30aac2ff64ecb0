"""Errors as RFC 9457 problem documents, and which error becomes which.

Nothing inside a service knows about status codes; this edge does.
"""

import json
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from service_kit.admission import StorageFull
from service_kit.docstore import InvalidCursorError
from service_kit.errors import DeskbusError, PermanentError, TransientError
from service_kit.http.request_state import request_state
from service_kit.problem import Problem
from service_kit.secret_box import SecretUnreadable

__all__ = [
    "MEDIA_TYPE",
    "Problem",
    "ProblemDocument",
    "as_problem",
    "failure_response",
    "install_problems",
    "invalid_request",
    "not_found",
]

MEDIA_TYPE = "application/problem+json"
_RETRY_AFTER_SECONDS = "2"
_RETRY_AFTER_FULL_SECONDS = "30"
_MAX_ERRORS = 50

SEALED_WITH_ANOTHER_KEY = (
    "A stored secret cannot be opened: the operator must give DESKBUS_SECRET_KEY the key it was sealed with, "
    "behind a comma if there is a newer one; `deskbus doctor` says which settings it concerns."
)

_CODES: Mapping[int, str] = {
    400: "bad_request",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
}

logger = structlog.get_logger()


class ProblemDocument(BaseModel):
    """What every error looks like. Some codes add members of their own."""

    model_config = ConfigDict(extra="allow", title="Problem")

    type: str = Field(description="A URN made from the code.")
    title: str = Field(description="The meaning of the status.")
    status: int
    code: str = Field(description="Stable; what a program should look at.")
    detail: str = Field(description="A sentence for people.")
    instance: str = Field(description="This one request; also in the log and in `X-Request-Id`.")


def not_found(what: str) -> Problem:
    """What belongs to another account is not found either."""
    return Problem(404, "not_found", f"There is no such {what}.")


def invalid_request(errors: Iterable[Mapping[str, Any]]) -> Problem:
    """Every field that does not fit, from pydantic's errors; never the values, which may be secrets."""
    fields = [
        {"field": ".".join(map(str, error["loc"])), "message": error["msg"], "type": error["type"]} for error in errors
    ]
    detail = f"{fields[0]['field']}: {fields[0]['message']}" if fields else "The request does not fit."
    return Problem(422, "invalid_request", detail, errors=fields[:_MAX_ERRORS])


def as_problem(error: Exception) -> Problem:  # noqa: PLR0911 - a table, one row a kind of error
    """The problem that says what went wrong; what nobody foresaw is `internal` and says nothing more."""
    match error:
        case Problem():
            return error
        case RequestValidationError():
            return invalid_request(error.errors())
        case HTTPException():
            code = _CODES.get(error.status_code, HTTPStatus(error.status_code).name.lower())
            return Problem(error.status_code, code, str(error.detail), headers=error.headers)
        case InvalidCursorError():
            return Problem(400, "invalid_cursor", "The cursor was not handed out by this list.")
        case StorageFull():
            return _unavailable("storage_full", "There is no room for new work.", _RETRY_AFTER_FULL_SECONDS)
        case SecretUnreadable():
            return Problem(500, error.code, SEALED_WITH_ANOTHER_KEY)
        case TransientError():
            return _unavailable("unavailable", "A part of the service cannot answer now.", _RETRY_AFTER_SECONDS)
        case PermanentError():
            return Problem(422, error.code, str(error) or "The request can never succeed.")
        case _:
            return Problem(500, "internal", "The service failed; the failure is logged under this request.")


def failure_response(error: Exception, request_id: str) -> Response:
    """Answer with the error's problem, and log it where it is ours to repair."""
    problem = as_problem(error)
    if problem.status == HTTPStatus.INTERNAL_SERVER_ERROR:
        logger.error("request_failed", request_id=request_id, exc_info=error)
    elif isinstance(error, TransientError):
        logger.warning("request_refused", request_id=request_id, code=problem.code, error=repr(error))
    document = ProblemDocument(
        type=f"urn:deskbus:problem:{problem.code}",
        title=HTTPStatus(problem.status).phrase,
        status=problem.status,
        code=problem.code,
        detail=problem.detail,
        instance=f"urn:deskbus:request:{request_id}",
    )
    # Escaped to ASCII, because a detail may quote text that UTF-8 cannot carry (lone surrogates).
    content = json.dumps({**problem.extra, **document.model_dump()}, default=str)
    return Response(content, status_code=problem.status, headers=problem.headers, media_type=MEDIA_TYPE)


def install_problems(app: FastAPI) -> None:
    """Answer with problems to every error of ours and of FastAPI; the unforeseen ones are left to the outside."""
    for kind in (DeskbusError, HTTPException, RequestValidationError):
        app.add_exception_handler(kind, _answer)


async def _answer(request: Request, error: Exception) -> Response:
    return failure_response(error, request_state(request.scope).request_id)


def _unavailable(code: str, detail: str, retry_after: str) -> Problem:
    return Problem(503, code, detail, headers={"Retry-After": retry_after})
