"""The smallest JSON that a route's schema takes, made from the OpenAPI document."""

from typing import Any

Json = dict[str, Any]

_TEXTS = {
    "date-time": "2099-01-01T00:00:00Z",
    "date": "2099-01-01",
    "uri": "https://customer.example/hook",
    "email": "somebody@customer.example",
}


def smallest_body(document: Json, operation: Json) -> Any:
    """A body with all required members, or an empty object where there is none."""
    content = operation.get("requestBody", {}).get("content", {})
    schema = next(iter(content.values()), {}).get("schema", {"type": "object"})
    return _smallest(document, schema)


def _smallest(document: Json, schema: Json) -> Any:  # noqa: PLR0911 - a table, one row a kind of schema
    schema = _resolved(document, schema)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    if options := schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf"):
        return _smallest(document, options[0])
    match schema.get("type"):
        case "string":
            return _text(schema)
        case "integer" | "number":
            return max(schema.get("minimum", 1), 1)
        case "boolean":
            return True
        case "array":
            return [_smallest(document, schema.get("items", {})) for _ in range(schema.get("minItems", 0))]
        case "null":
            return None
        case _:
            members = schema.get("properties", {})
            return {name: _smallest(document, members[name]) for name in schema.get("required", ())}


def _text(schema: Json) -> str:
    if schema.get("format") in _TEXTS:
        return _TEXTS[schema["format"]]
    return "x" * max(schema.get("minLength", 1), 1)


def _resolved(document: Json, schema: Json) -> Json:
    while "$ref" in schema:
        found: Json = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
        schema = found
    return schema
