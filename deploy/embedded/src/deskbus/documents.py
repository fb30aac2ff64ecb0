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
DOCUMENT_PREFIXES = ("/docs", _STATIC, "/openapi.json", "/asyncapi", "/schemas")


def create_documents(services: Sequence[Service], *, title: str, version: str, url: str) -> FastAPI:
    """The application behind `/docs`, `/openapi.json`, `/asyncapi` and `/schemas` of these services."""
    app = FastAPI(title=title, version=version, openapi_url=None)
    app.mount(_STATIC, StaticFiles(packages=[("fastapi_offline", "static")]), name="docs-static")
    install_problems(app)

    @cache
    def openapi() -> str:
        return json.dumps(merged_openapi(services, title=title, version=version, url=url))

    @app.get("/openapi.json", include_in_schema=False)
    async def openapi_document() -> Response:
        """Made once and in a thread: it takes the best part of a second, and meanwhile others are answered."""
        return Response(await asyncio.to_thread(openapi), media_type="application/json")

    docs = get_swagger_ui_html(
        openapi_url="/openapi.json",
        title=title,
        swagger_js_url=f"{_STATIC}/swagger-ui-bundle.js",
        swagger_css_url=f"{_STATIC}/swagger-ui.css",
        swagger_favicon_url=f"{_STATIC}/favicon.png",
    )
    page = bytes(docs.body).decode()

    @app.get("/docs", include_in_schema=False)
    async def shown() -> Page:
        """The page that FastAPI makes, with the policy that it lacks."""
        return Page(page)

    _serve_event_documents(app)
    return app


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
