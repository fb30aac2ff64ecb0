"""The documents of an API and of the events beside it, and pages that need no other host to show them."""

from collections.abc import Sequence
from functools import partial

from fastapi import FastAPI, Response
from fastapi_offline import FastAPIOffline

from contracts.generate import generated_files
from contracts.topics import TOPICS
from deskbus.origin import merged_openapi
from service_kit.http.problems import install_problems, not_found
from service_kit.service import Service

DOCUMENT_PREFIXES = ("/docs", "/docs-static", "/openapi.json", "/asyncapi", "/schemas")


def create_documents(services: Sequence[Service], *, title: str, version: str, url: str) -> FastAPI:
    """The application behind `/docs`, `/openapi.json`, `/asyncapi` and `/schemas` of these services."""
    app = FastAPIOffline(title=title, version=version, redoc_url=None, static_url="/docs-static")
    app.openapi = partial(merged_openapi, services, title=title, version=version, url=url)  # type: ignore[method-assign]
    install_problems(app)
    contracts = generated_files(TOPICS)

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
