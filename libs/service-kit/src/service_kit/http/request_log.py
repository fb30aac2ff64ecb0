"""Around every request: id, span, line in the log, place in the metrics, and an answer if all else fails."""

import re
from time import perf_counter

import structlog
from opentelemetry.trace import Span, SpanKind
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service_kit.auth.principal import Principal
from service_kit.http.metrics import HttpMetrics
from service_kit.http.problems import failure_response
from service_kit.http.request_state import request_state
from service_kit.request_origin import CURRENT, RequestOrigin
from service_kit.tracing import work_span

_GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{1,100}")
_PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
_UNANSWERED = 499
"""The caller went away before there was an answer; the number nginx made customary."""

logger = structlog.get_logger()


class RequestLog:
    """ASGI middleware, the outermost: logs ids and route templates, never addresses or bodies."""

    def __init__(self, app: ASGIApp, metrics: HttpMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through and note what became of it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = request_state(scope)
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = state.request_id = given if _GIVEN_ID.fullmatch(given) else state.request_id
        status = _UNANSWERED

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-Id"] = request_id
            await send(message)

        client = scope.get("client")
        outer = CURRENT.set(RequestOrigin(request_id, str(client[0])[:100] if client else None))
        began = perf_counter()
        with (
            structlog.contextvars.bound_contextvars(request_id=request_id),
            work_span(scope["method"], kind=SpanKind.SERVER, traceparent=headers.get("traceparent")) as span,
        ):
            try:
                await self._app(scope, receive, noting)
            except Exception as error:
                response = failure_response(error, request_id)
                if status != _UNANSWERED:
                    raise  # half an answer is out: only a broken connection tells the caller
                await response(scope, receive, noting)
            finally:
                CURRENT.reset(outer)
                self._note(scope, status, perf_counter() - began, span)

    def _note(self, scope: Scope, status: int, seconds: float, span: Span) -> None:
        route = getattr(scope.get("route"), "path", "unmatched")
        span.update_name(f"{scope['method']} {route}")
        span.set_attributes(
            {"http.request.method": scope["method"], "http.route": route, "http.response.status_code": status}
        )
        if ticket_id := scope.get("path_params", {}).get("ticket_id"):
            span.set_attribute("deskbus.ticket_id", ticket_id)
        self._metrics.count(scope["method"], route, status, seconds)
        log = logger.debug if route in _PROBES else logger.info
        log(
            "http_request",
            method=scope["method"],
            route=route,
            status=status,
            milliseconds=round(seconds * 1000, 1),
            **_ids_of(scope.get("state", {}).get("principal")),
        )


def _ids_of(principal: Principal | None) -> dict[str, str | None]:
    if principal is None:
        return {}
    return {
        "account_id": principal.account_id,
        "agent_id": principal.agent_id,
        "credential_id": principal.credential_id,
    }
