"""One origin for all services: each path goes to the service that owns its prefix, longest match first."""

from collections.abc import Sequence
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from service_kit.service import Service

_SCHEMAS = "#/components/schemas/"


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
        prefix = service.name.replace("-", "_")
        renamed = {name: f"{prefix}_{name}" for name in _conflicting(schemas, merged)}
        part = _rename(part, renamed)
        document["paths"].update(
            {path: item for path, item in part.get("paths", {}).items() if path not in document["paths"]}
        )
        components = part.get("components", {})
        merged.update({renamed.get(name, name): schema for name, schema in components.get("schemas", {}).items()})
        document["components"]["securitySchemes"].update(components.get("securitySchemes", {}))
    return document


def _conflicting(schemas: dict[str, Any], merged: dict[str, Any]) -> set[str]:
    """Names that mean something else in `merged`: the schema differs, or one that it is made of."""
    shared = schemas.keys() & merged.keys()
    found = {name for name in shared if merged[name] != schemas[name]}
    while more := {name for name in shared - found if _referenced(schemas[name]) & found}:
        found |= more
    return found


def _referenced(node: Any) -> set[str]:
    """The names of the schemas that a node refers to, in `$ref` or in a discriminator's mapping."""
    if isinstance(node, str):
        return {node.removeprefix(_SCHEMAS)} if node.startswith(_SCHEMAS) else set()
    parts = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return set().union(*map(_referenced, parts))


def _rename(node: Any, renamed: dict[str, str]) -> Any:
    if isinstance(node, dict):
        return {key: _rename(value, renamed) for key, value in node.items()}
    if isinstance(node, list):
        return [_rename(item, renamed) for item in node]
    if isinstance(node, str) and node.startswith(_SCHEMAS):
        name = node.removeprefix(_SCHEMAS)
        return _SCHEMAS + renamed.get(name, name)
    return node
