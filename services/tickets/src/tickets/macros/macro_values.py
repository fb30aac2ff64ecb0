"""What a macro is filled in with: values by name, and what stands where there is none (N2). Pure."""

from collections.abc import Mapping
from typing import Any, Union

from liquid import Undefined

Value = Union[str, bool, int, float, "Listed", Mapping[str, "Value"]]


class Listed(tuple[str, ...]):
    """Several texts: shown with commas between them, each to be asked for by `contains`."""

    __slots__ = ()

    def __str__(self) -> str:
        return ", ".join(self)


class Missing(Undefined):
    """A known variable that has no value: false in a condition, replaced by `default`, noted where it is shown."""

    __slots__ = ("_noted",)

    force_liquid_default = True

    def __init__(self, name: str, noted: set[str]) -> None:
        super().__init__(name)
        self._noted = noted

    def __str__(self) -> str:
        self._noted.add(self.name)
        return ""


class Values(dict[str, Any]):
    """Values below a name; what is not there is `Missing`, and noted in `missing` when it is shown."""

    def __init__(self, name: str, given: Mapping[str, Value], missing: set[str]) -> None:
        inner = {
            key: Values(f"{name}.{key}", value, missing) if isinstance(value, Mapping) else value
            for key, value in given.items()
        }
        super().__init__(inner)
        self._name = name
        self._missing = missing

    def __missing__(self, key: str) -> Missing:
        return Missing(f"{self._name}.{key}", self._missing)


def shown(value: Any) -> "Value | None":
    """A value from outside as a macro may show it; None where there is nothing to show."""
    match value:
        case bool() | int():
            return value
        case float():
            return int(value) if value.is_integer() else value
        case str():
            return value if value.strip() else None
        case list() | tuple():
            return (
                Listed(map(str, value)) if value and all(isinstance(one, str | int | float) for one in value) else None
            )
        case _:
            return None
