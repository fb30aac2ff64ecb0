"""What the one origin answers itself: health, readiness, metrics and the documents of the whole."""

from collections.abc import Sequence
from functools import partial

from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse
from fastapi_offline import FastAPIOffline
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from contracts.generate import generated_files
from contracts.topics import TOPICS
from deskbus.merged_metrics import MergedMetrics
from deskbus.origin import merged_openapi
from service_kit.errors import Unavailable
from service_kit.http.problems import install_problems, not_found
from service_kit.platform import Platform
from service_kit.service import Service


def create_operations(composed: Sequence[tuple[Service, Platform]], *, version: str, url: str) -> FastAPI:
    """The application behind `/healthz`, `/readyz`, `/metrics`, `/docs`, `/openapi.json`, `/asyncapi`, `/schemas`."""
    app = FastAPIOffline(title="Deskbus API", version=version, redoc_url=None, static_url="/docs-static")
    services = [service for service, _ in composed]
    app.openapi = partial(merged_openapi, services, title="Deskbus", version=version, url=url)  # type: ignore[method-assign]
    install_problems(app)
    contracts = generated_files(TOPICS)
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

    @app.get("/asyncapi")
    async def asyncapi() -> Response:
        return Response(contracts["asyncapi/deskbus.json"], media_type="application/json")

    @app.get("/schemas/{name}")
    async def schema(name: str) -> Response:
        """What `/asyncapi` refers to, under the same relative path as in the repository."""
        text = contracts.get(f"schemas/{name}")
        if text is None:
            raise not_found("schema")
        return Response(text, media_type="application/schema+json")

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
