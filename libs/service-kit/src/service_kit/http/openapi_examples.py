"""Examples for an OpenAPI document, from its own schemas: what a field says of itself, else what its name suggests.

A model says more by `Field(examples=[…])`; nothing is written by hand for a route, so that no example can be outdated.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]

_JSON = "application/json"
_DEEPEST = 12

_BY_FORMAT: Mapping[str, str] = {
    "date-time": "2026-11-22T09:00:00Z",
    "date": "2026-11-22",
    "time": "09:00:00",
    "duration": "PT15M",
    "email": "carl@customer.example",
    "uri": "https://acme.example",
    "password": "correct horse battery staple",
}
_BY_NAME: Mapping[str, str] = {
    "content": "SGVsbG8=",
    "content_type": "image/png",
    "description": "Orders and refunds",
    "detail": "What is wrong, in a sentence.",
    "email": "carl@customer.example",
    "html": "<p>It is on its way.</p>",
    "id": "id_1",
    "name": "Acme",
    "number": "+12025550123",
    "phone": "+12025550123",
    "reason": "refund",
    "subject": "Where is my order?",
    "tag": "late",
    "text": "It is on its way.",
    "timezone": "Europe/Paris",
    "url": "https://acme.example/hook",
    "zone": "Europe/Paris",
}
_PLAIN = ("example", "+12025550123", "09:00", "2026-11-22", "123456", "en", "carl@customer.example", "support.ticket.*")
"""Tried in turn where a pattern or a length asks for something else than the name suggests."""


def add_examples(document: dict[str, Any]) -> None:
    """Give every JSON request and answer of the document an example."""
    maker = _Maker(document.get("components", {}).get("schemas", {}))
    for operation in operations_of(document):
        for content, whole in _contents(operation):
            media = content.get(_JSON)
            if media and media.get("schema") and not {"example", "examples"} & media.keys():
                media["example"] = maker.example(media["schema"], whole=whole)


def operations_of(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every operation of a document."""
    for item in document.get("paths", {}).values():
        yield from (operation for operation in item.values() if isinstance(operation, dict))


def _contents(operation: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], bool]]:
    """The contents of a request, which need only what is required, and of the answers, which are shown whole."""
    yield operation.get("requestBody", {}).get("content", {}), False
    for answer in operation.get("responses", {}).values():
        yield answer.get("content", {}), True


class _Maker:
    """Makes examples of the schemas of one document."""

    def __init__(self, schemas: Mapping[str, Schema]) -> None:
        self._schemas = schemas

    def example(self, schema: Schema, *, whole: bool, name: str = "", depth: int = 0) -> Any:
        """A value that fits; with `whole` also what is optional."""
        schema = self._resolved(schema)
        for key in ("examples", "enum"):
            if schema.get(key):
                return schema[key][0]
        for key in ("example", "const"):
            if key in schema:
                return schema[key]
        if isinstance(schema.get("default"), bool | int | float):
            return schema["default"]
        match schema.get("type"):
            case "object":
                return self._object(schema, whole=whole, depth=depth + 1)
            case "array":
                return self._array(schema, whole=whole, name=name, depth=depth + 1)
            case kind:
                return _scalar(kind, schema, name)

    def _resolved(self, schema: Schema) -> Schema:
        """Behind references, and of alternatives the first that is something."""
        while True:
            if "$ref" in schema:
                schema = self._schemas[schema["$ref"].rpartition("/")[2]]
                continue
            ways = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
            if not ways or schema.get("examples"):
                return schema
            schema = next((way for way in ways if way.get("type") != "null"), ways[0])

    def _object(self, schema: Schema, *, whole: bool, depth: int) -> dict[str, Any]:
        properties: Mapping[str, Schema] = schema.get("properties", {})
        required = schema.get("required", ())
        wanted = properties if depth < _DEEPEST and (whole or not required) else required
        made = {one: self.example(properties[one], whole=whole, name=one, depth=depth) for one in wanted}
        others = next(iter(schema.get("patternProperties", {}).values()), schema.get("additionalProperties"))
        if not properties and isinstance(others, dict) and others and depth < _DEEPEST:
            key = self.example(schema.get("propertyNames", {"type": "string"}), whole=whole, name="key", depth=depth)
            made[key] = self.example(others, whole=whole, depth=depth)
        return made

    def _array(self, schema: Schema, *, whole: bool, name: str, depth: int) -> list[Any]:
        if "prefixItems" in schema:
            return [self.example(item, whole=whole, name=name, depth=depth) for item in schema["prefixItems"]]
        least = schema.get("minItems", 0)
        if depth >= _DEEPEST and not least:
            return []
        item = self.example(schema.get("items", {}), whole=whole, name=name.removesuffix("s"), depth=depth)
        return [item] * max(1, least)


def _scalar(kind: object, schema: Schema, name: str) -> Any:
    match kind:
        case "integer" | "number":
            least = schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
            most = schema.get("maximum", schema.get("exclusiveMaximum", least + 1))
            return min(least, most)
        case "boolean":
            return True
        case "null":
            return None
        case _:
            return _text(schema, name)


def _text(schema: Schema, name: str) -> str:
    if "pattern" not in schema and schema.get("format") in _BY_FORMAT:
        return _BY_FORMAT[schema["format"]]
    suggested = f"{name.removesuffix('_id')}_1" if name.endswith("_id") else _BY_NAME.get(name, "example")
    fitting = (one for one in (suggested, *_PLAIN) if _fits(schema, one))
    return next(fitting, "x" * schema.get("minLength", 1))


def _fits(schema: Schema, text: str) -> bool:
    is_long_enough = schema.get("minLength", 0) <= len(text) <= schema.get("maxLength", len(text))
    return is_long_enough and re.search(schema.get("pattern", ""), text) is not None
