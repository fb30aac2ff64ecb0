"""Composition of a service's HTTP application: what every one of them has in common."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig

from service_kit.audit import AuditTrail
from service_kit.auth.credentials import Credentials
from service_kit.auth.dependency import Authentication
from service_kit.http.admission_gate import AdmissionGate
from service_kit.http.health import health_router
from service_kit.http.idempotency import Idempotency
from service_kit.http.idempotency_records import IdempotencyRecords
from service_kit.http.metrics import HttpMetrics
from service_kit.http.openapi_examples import add_examples
from service_kit.http.openapi_problems import OwnProblems, add_problems
from service_kit.http.problems import ProblemDocument, install_problems
from service_kit.http.request_limits import RequestLimits
from service_kit.http.request_log import RequestLog
from service_kit.http.routes import Routes
from service_kit.platform import Platform

_NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "operation_spans": False}
"""FastAPI's own would be a second span around `RequestLog`'s, with the path and the query: tokens and words searched.
"""


class DeskbusApi(FastAPI):
    """FastAPI that documents its errors as what they are, and leaves what it tells of requests to `RequestLog`."""

    def openapi(self) -> dict[str, Any]:
        """The document, with the problem's schema among its components, problems and examples; made once."""
        document = super().openapi()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        if "Problem" not in schemas:
            schemas["Problem"] = ProblemDocument.model_json_schema()
            add_problems(document, self.routes, self.state.own_problems)
            add_examples(document)
        return document


def create_api(
    platform: Platform,
    *,
    service: str,
    title: str,
    routers: Sequence[Routes],
    max_body_bytes: int = 1_048_576,
    larger_bodies: Mapping[str, int] = MappingProxyType({}),
    problems: OwnProblems = MappingProxyType({}),
) -> FastAPI:
    """The application of one service; its store may not have been started yet.

    `larger_bodies`: limits other than `max_body_bytes`, by the prefix of a path. `problems`: codes of operations' own.
    """
    api = DeskbusApi(title=title, telemetry=_NO_TELEMETRY)
    credentials = Credentials(platform.redis, platform.clock)
    api.state.authentication = Authentication(credentials, platform.clock)
    api.state.redis = platform.redis
    api.state.own_problems = problems
    api.state.audit_trail = AuditTrail(platform, service)
    install_problems(api)
    # Added innermost first: the log is around everything.
    records = IdempotencyRecords(platform.store)
    api.add_middleware(
        Idempotency, records=records, credentials=credentials, secrets=platform.secrets, clock=platform.clock
    )
    api.add_middleware(AdmissionGate, admission=platform.admission)
    api.add_middleware(RequestLimits, max_body_bytes=max_body_bytes, larger=larger_bodies)
    api.add_middleware(RequestLog, metrics=HttpMetrics(platform.metrics, service))
    for router in (health_router(service, platform), *routers):
        router.join(api)
    return api
