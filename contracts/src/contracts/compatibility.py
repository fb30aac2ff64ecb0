"""What may change in a published schema without breaking anybody: only additive, optional fields.

Both directions are held at once, because producers and consumers are deployed in any order: old code must read
new records, and new code must read retained old ones. Anything else is a new major version of the type.
"""

from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]

_ANNOTATIONS = frozenset({"title", "description", "examples", "default", "$defs", "properties", "required"})


def incompatibilities(before: Schema, after: Schema) -> list[str]:
    """Why records under `after` and `before` can't live side by side; empty when they can.

    Both are whole JSON Schemas as pydantic writes them, local `$ref`s included.
    """
    return list(_compare(before, after, before, after, "$", frozenset()))


def _resolve(node: Schema, root: Schema) -> Schema:
    reference = node.get("$ref")
    if reference is None:
        return node
    name = str(reference).rsplit("/", 1)[-1]
    resolved: Schema = root["$defs"][name]
    return resolved


def _compare(
    before: Schema, after: Schema, before_root: Schema, after_root: Schema, path: str, seen: frozenset[str]
) -> Iterator[str]:
    if "$ref" in before and "$ref" in after:
        mark = f"{before['$ref']}>{after['$ref']}"
        if mark in seen:
            return
        seen = seen | {mark}
    before, after = _resolve(before, before_root), _resolve(after, after_root)
    yield from _compare_fields(before, after, before_root, after_root, path, seen)
    for keyword in sorted((before.keys() | after.keys()) - _ANNOTATIONS):
        old, new = before.get(keyword), after.get(keyword)
        where = f"{path}<{keyword}>"
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from _compare(old, new, before_root, after_root, where, seen)
        elif _are_schemas(old) and _are_schemas(new) and len(old or ()) == len(new or ()):
            for index, (one, other) in enumerate(zip(old or (), new or (), strict=True)):
                yield from _compare(one, other, before_root, after_root, f"{where}[{index}]", seen)
        elif old != new:
            yield f"{where} changed from {old!r} to {new!r}"


def _are_schemas(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, Mapping) for item in value)


def _compare_fields(
    before: Schema, after: Schema, before_root: Schema, after_root: Schema, path: str, seen: frozenset[str]
) -> Iterator[str]:
    old_fields: Schema = before.get("properties", {})
    new_fields: Schema = after.get("properties", {})
    for name in sorted(old_fields.keys() - new_fields.keys()):
        yield f"{path}.{name} was removed"
    for name in sorted(old_fields.keys() & new_fields.keys()):
        yield from _compare(old_fields[name], new_fields[name], before_root, after_root, f"{path}.{name}", seen)
    old_required, new_required = set(before.get("required", ())), set(after.get("required", ()))
    for name in sorted(new_required - old_required):
        yield f"{path}.{name} became required"
    for name in sorted(old_required - new_required):
        yield f"{path}.{name} is no longer always present"
