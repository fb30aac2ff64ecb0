"""JSON merge patch (RFC 7396), pure."""

from typing import Any


def merge(target: Any, patch: Any) -> Any:
    """`target` with `patch` applied: objects merge, null removes, everything else replaces. Nothing is mutated."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), value)
    return merged
