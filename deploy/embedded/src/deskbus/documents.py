"""The documents of an API and of the events beside it, and pages that need no other host to show them."""

import asyncio
import json
from collections.abc import Sequence
from functools import cache

from fastapi import FastAPI, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.staticfiles import StaticFiles

from contracts.generate import generated_files
from contracts.topics import TOPICS
from deskbus.origin import merged_openapi
from service_kit.http.page import Page
from service_kit.http.problems import install_problems, not_found
from service_kit.service import Service

_STATIC = "/docs-static"
_OPENAPI = "/openapi"
DOCUMENT_PREFIXES = ("/docs", _STATIC, "/openapi.json", "/asyncapi", "/schemas")
SITE_PREFIXES = (*DOCUMENT_PREFIXES, _OPENAPI)
"""Whose documents are answered beside the API of one service; on the one origin each service has its own."""


def create_documents(
    services: Sequence[Service], *, title: str, version: str, url: str, listed: Sequence[str] = ()
) -> FastAPI:
    """The application behind `/docs`, `/openapi.json`, `/openapi/…`, `/asyncapi` and `/schemas` of these services.

    `listed`: every service that the page offers besides, also those that only the same origin reaches.
    """
    app = FastAPI(title=title, version=version, openapi_url=None)
    app.mount(_STATIC, StaticFiles(packages=[("fastapi_offline", "static")]), name="docs-static")
    install_problems(app)
    _serve_openapi(app, services, url=url)
    _serve_pages(app, listed)
    _serve_event_documents(app)
    return app


def openapi_path(service: str) -> str:
    """Where the document of one service is, whoever else answers on the same origin."""
    return f"{_OPENAPI}/{service}.json"


def _serve_openapi(app: FastAPI, services: Sequence[Service], *, url: str) -> None:
    parts = {service.name: [service] for service in services}

    @cache
    def openapi(name: str | None) -> str:
        shown = services if name is None else parts[name]
        title = app.title if name is None else shown[0].api.title
        return json.dumps(merged_openapi(shown, title=title, version=app.version, url=url))

    async def document(name: str | None) -> Response:
        """Made once and in a thread: it takes the best part of a second, and meanwhile others are answered."""
        return Response(await asyncio.to_thread(openapi, name), media_type="application/json")

    @app.get("/openapi.json", include_in_schema=False)
    async def whole() -> Response:
        return await document(None)

    @app.get(openapi_path("{name}"), include_in_schema=False)
    async def of_one(name: str) -> Response:
        if name not in parts:
            raise not_found("service")
        return await document(name)


def _serve_pages(app: FastAPI, listed: Sequence[str]) -> None:
    pages = {name: _page(app.title, name, listed) for name in (None, *listed)}

    @app.get("/docs", include_in_schema=False)
    async def shown(service: str | None = None) -> Page:
        """Swagger UI of everything that answers here, or of one service."""
        if service not in pages:
            raise not_found("service")
        return Page(pages[service])


def _page(title: str, name: str | None, listed: Sequence[str]) -> str:
    """The page that FastAPI makes, with a way to the other services: its own selector is no part of the bundle."""
    made = get_swagger_ui_html(
        openapi_url="/openapi.json" if name is None else openapi_path(name),
        title=title if name is None else f"{title}: {name}",
        swagger_js_url=f"{_STATIC}/swagger-ui-bundle.js",
        swagger_css_url=f"{_STATIC}/swagger-ui.css",
        swagger_favicon_url=f"{_STATIC}/favicon.png",
    )
    links = " · ".join(f'<a href="/docs?service={one}">{one}</a>' for one in listed)
    named = f'<a href="/docs">{title}</a>: {links}'
    chosen = f'<nav class="swagger-ui" aria-label="Services">{named}</nav>' if listed else ""
    return bytes(made.body).decode().replace("<body>", f"<body>{chosen}", 1)


def _serve_event_documents(app: FastAPI) -> None:
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
