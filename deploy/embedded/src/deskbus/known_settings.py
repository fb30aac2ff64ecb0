"""Everything that can be set in the environment: the classes that read it, found where each service keeps its own."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any, get_args

from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings, EnvSettingsSource

from deskbus.composition import SERVICE_NAMES
from service_kit.settings import PlatformSettings

SHARED = "every service"

_TAKEN = {
    "int": "a whole number",
    "float": "a number",
    "bool": "0 or 1",
    "Path": "a path",
    "SecretStr": "a secret",
}


@dataclass(frozen=True, slots=True)
class SettingsOf:
    """The settings of one service, or those that all share."""

    service: str
    model: type[BaseSettings]

    @property
    def prefix(self) -> str:
        """How each of its variables begins."""
        return str(self.model.model_config.get("env_prefix", ""))

    def variable(self, field: str) -> str:
        """The name of a field in the environment."""
        return f"{self.prefix}{field}".upper()


@dataclass(frozen=True, slots=True)
class Variable:
    """One setting: its name in the environment, what it takes, and what it is for."""

    name: str
    takes: str
    default: str
    about: str

    @property
    def example(self) -> str:
        """A line that works."""
        return f"{self.name}={self.default}" if self.default else self.name


def known_settings() -> list[SettingsOf]:
    """The classes, those that all services share first."""
    found = [SettingsOf(SHARED, PlatformSettings)]
    for service in SERVICE_NAMES:
        module = f"{service.replace('-', '_')}.settings"
        if find_spec(module) is not None:
            found += [SettingsOf(service, model) for model in _classes_in(import_module(module))]
    return found


def variables(settings: SettingsOf) -> list[Variable]:
    """Every setting of a class."""
    return [
        Variable(settings.variable(name), _taken_by(field), _default_of(field), field.description or "")
        for name, field in settings.model.model_fields.items()
    ]


def given_names() -> set[str]:
    """The names of all variables that the environment holds, in upper case."""
    return {name.upper() for name in EnvSettingsSource(PlatformSettings).env_vars}


def _classes_in(module: Any) -> Iterator[type[BaseSettings]]:
    for value in vars(module).values():
        if isinstance(value, type) and issubclass(value, BaseSettings) and value.__module__ == module.__name__:
            yield value


def _taken_by(field: FieldInfo) -> str:
    kinds = [kind for kind in get_args(field.annotation) or (field.annotation,) if kind is not type(None)]
    if all(isinstance(kind, str) for kind in kinds):
        return "one of " + ", ".join(map(str, kinds))
    name = getattr(kinds[0], "__name__", "")
    limits = " and ".join(text for limit in field.metadata if (text := _limit(limit)))
    return " ".join(filter(None, (_TAKEN.get(name, "a text"), limits)))


def _limit(limit: object) -> str:
    match limit:
        case Ge(ge=least):
            return f"of at least {least}"
        case Gt(gt=least):
            return f"above {least}"
        case Le(le=most):
            return f"of at most {most}"
        case Lt(lt=most):
            return f"below {most}"
        case _:
            return ""


def _default_of(field: FieldInfo) -> str:
    default = field.get_default(call_default_factory=True)
    if default is PydanticUndefined or default is None or default == "":
        return ""
    if isinstance(default, bool):
        return str(int(default))
    return "" if "Secret" in type(default).__name__ else f"{default:g}" if isinstance(default, float) else str(default)
