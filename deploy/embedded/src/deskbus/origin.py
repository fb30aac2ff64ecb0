"""One origin for all services: each path goes to the service that owns its prefix, longest match first."""

from collections.abc import Sequence
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from service_kit.service import Service


class Origin:
    """An ASGI application that dispatches by path prefix and keeps paths as they are.

    `own` answers what belongs to no service: health, metrics, documents, and clear 404s.
    """

    def __init__(self, services: Sequence[Service], own: ASGIApp) -> None:
        routes = [(_segments(prefix), service.api) for service in services for prefix in service.prefixes]
        self._routes: list[tuple[list[str], ASGIApp]] = sorted(routes, key=lambda route: len(route[0]), reverse=True)
        self._own = own

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request to its owner."""
        await self._owner_of(scope.get("path", "/"))(scope, receive, send)

    def _owner_of(self, path: str) -> ASGIApp:
        segments = _segments(path)
        for prefix, application in self._routes:
            if len(prefix) <= len(segments) and all(map(_fits, prefix, segments)):
                return application
        return self._own


def _segments(path: str) -> list[str]:
    return path.strip("/").split("/")


def _fits(expected: str, segment: str) -> bool:
    return expected == segment or expected.startswith("{")


def merged_openapi(services: Sequence[Service], *, title: str, version: str, url: str) -> dict[str, Any]:
    """One OpenAPI document of all services; schemas that share a name but differ carry their service's name."""
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version},
        "servers": [{"url": url}],
        "paths": {},
        "components": {"schemas": {}, "securitySchemes": {}},
    }
    for service in services:
        part = service.api.openapi()
        schemas: dict[str, Any] = part.get("components", {}).get("schemas", {})
        merged = document["components"]["schemas"]
        renamed = {
            name: f"{service.name.replace('-', '_')}_{name}"
            for name, schema in schemas.items()
            if name in merged and merged[name] != schema
        }
        part = _rename(part, renamed)
        document["paths"].update(
            {path: item for path, item in part.get("paths", {}).items() if path not in document["paths"]}
        )
        components = part.get("components", {})
        merged.update({renamed.get(name, name): schema for name, schema in components.get("schemas", {}).items()})
        document["components"]["securitySchemes"].update(components.get("securitySchemes", {}))
    return document


def _rename(node: Any, renamed: dict[str, str]) -> Any:
    prefix = "#/components/schemas/"
    if isinstance(node, dict):
        return {
            key: prefix + renamed.get(value.removeprefix(prefix), value.removeprefix(prefix))
            if key == "$ref" and isinstance(value, str) and value.startswith(prefix)
            else _rename(value, renamed)
            for key, value in node.items()
        }
    if isinstance(node, list):
        return [_rename(item, renamed) for item in node]
    return node
