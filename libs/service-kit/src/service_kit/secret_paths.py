"""Where the secrets stand in a JSON value, by the `writeOnly` marks of its JSON Schema. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

Path = tuple[str | int, ...]

_ALTERNATIVES = ("anyOf", "oneOf", "allOf")


def secret_paths(schema: Mapping[str, Any], value: Any) -> tuple[Path, ...]:
    """Every place in `value` that holds a text marked `writeOnly`, in objects, maps, lists and alternatives."""
    return tuple(path for path, secret in _found(schema, value).items() if isinstance(secret, str))


def write_only_paths(schema: Mapping[str, Any], value: Any) -> tuple[Path, ...]:
    """The same, with the places of secrets that are not set: an answer that holds null would say so."""
    return tuple(_found(schema, value))


def _found(schema: Mapping[str, Any], value: Any) -> dict[Path, str | None]:
    return dict(_walk(schema, schema.get("$defs", {}), value, ()))


def with_secrets(value: Any, paths: Iterable[Path], change: Callable[[str], str]) -> Any:
    """`value` with the text at each path changed. Nothing is mutated."""
    for path in paths:
        value = _at(value, path, change)
    return value


def without_secrets(value: Any, paths: Iterable[Path]) -> Any:
    """`value` without any member that is a secret or a list of secrets.

    The whole list goes, because an emptied one would say that none is set, and would clear them if sent back.
    """
    for path in sorted({_owner(path) for path in paths}, key=len, reverse=True):
        value = _removed(value, path)
    return value


def _walk(
    schema: Mapping[str, Any], definitions: Mapping[str, Any], value: Any, path: Path
) -> Iterator[tuple[Path, str | None]]:
    if "$ref" in schema:
        named = definitions[schema["$ref"].rpartition("/")[2]]
        schema = {**named, **{key: item for key, item in schema.items() if key != "$ref"}}
    if schema.get("writeOnly") and (value is None or isinstance(value, str)):
        yield path, value
        return
    for keyword in _ALTERNATIVES:
        for alternative in schema.get(keyword, ()):
            yield from _walk(alternative, definitions, value, path)
    members = enumerate(value) if isinstance(value, list) else value.items() if isinstance(value, dict) else ()
    for key, item in members:
        for member in _schemas_of(schema, key):
            yield from _walk(member, definitions, item, (*path, key))


def _schemas_of(schema: Mapping[str, Any], key: str | int) -> Iterator[Mapping[str, Any]]:
    """Every schema that may describe the member `key` of a value described by `schema`."""
    if isinstance(key, int):
        fixed = schema.get("prefixItems", ())
        candidates = [fixed[key] if key < len(fixed) else schema.get("items")]
    elif key in schema.get("properties", {}):
        candidates = [schema["properties"][key]]
    else:
        candidates = [schema.get("additionalProperties"), *schema.get("patternProperties", {}).values()]
    return (candidate for candidate in candidates if isinstance(candidate, Mapping))


def _at(value: Any, path: Path, change: Callable[[str], str]) -> Any:
    if not path:
        return change(value)
    copy: Any = list(value) if isinstance(value, list) else dict(value)
    copy[path[0]] = _at(value[path[0]], path[1:], change)
    return copy


def _owner(path: Path) -> Path:
    """The path up to the last object member in it."""
    while path and isinstance(path[-1], int):
        path = path[:-1]
    return path


def _removed(value: Any, path: Path) -> Any:
    copy: Any = list(value) if isinstance(value, list) else dict(value)
    if len(path) == 1:
        del copy[path[0]]
    else:
        copy[path[0]] = _removed(value[path[0]], path[1:])
    return copy
