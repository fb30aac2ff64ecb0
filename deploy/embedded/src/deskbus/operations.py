"""What the one origin answers itself: health, readiness, metrics and the documents of the whole."""

from collections.abc import Sequence

from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from deskbus.documents import create_documents
from deskbus.merged_metrics import MergedMetrics
from service_kit.errors import Unavailable
from service_kit.platform import Platform
from service_kit.service import Service


def create_operations(composed: Sequence[tuple[Service, Platform]], *, version: str, url: str) -> FastAPI:
    """The application behind `/healthz`, `/readyz`, `/metrics`, `/docs`, `/openapi…`, `/asyncapi`, `/schemas`."""
    services = [service for service, _ in composed]
    names = [service.name for service in services]
    app = create_documents(services, title="Deskbus API", version=version, url=url, listed=names)
    registry = CollectorRegistry()
    registry.register(MergedMetrics({service.name: platform.metrics for service, platform in composed}))

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @app.get("/readyz")
    async def readyz() -> JSONResponse:
        unwell = await _unwell(composed)
        body = {"status": "not_ready", "unwell": unwell} if unwell else {"status": "ready"}
        return JSONResponse(body, status_code=503 if unwell else 200)

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return app


async def _unwell(composed: Sequence[tuple[Service, Platform]]) -> dict[str, str]:
    """What is not well, by service; empty when everything is."""
    unwell = {}
    for service, platform in composed:
        try:
            platform.admission.check()
            await platform.store.ping()
            await platform.bus.ping()
        except Unavailable as error:
            unwell[service.name] = str(error)
    return unwell
