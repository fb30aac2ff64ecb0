"""What is wrong with the environment, all of it at once: values that do not fit, URLs nobody reads, typing errors.

Nothing is connected to; a value is never repeated, for it may be a secret.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsError

from deskbus.doctor.engine_urls import ENGINE_URLS, require_readable
from deskbus.known_settings import SHARED, SettingsOf, Variable, given_names, known_settings, variables
from deskbus.production import SettingsMissingError, names_engines, require_production
from service_kit.errors import DeskbusError
from service_kit.settings import PlatformSettings

_NOT_SETTINGS = ("DESKBUS_TEST_", "DESKBUS_ENGINES_", "DESKBUS_REQUIRE_ENGINES", "DESKBUS_DEPLOY_")
"""What tests and builds read."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: the variable, why, what it must be, and a value that works."""

    variable: str
    wrong: str
    wanted: str
    example: str
    is_fatal: bool = True

    def __str__(self) -> str:
        wanted = f" It takes {self.wanted}." if self.wanted else ""
        example = f" Example: {self.example}" if self.example else ""
        return f"{self.variable}: {self.wrong.rstrip('.')}.{wanted}{example}"


@dataclass(frozen=True, slots=True)
class Configuration:
    """What the environment comes to: the settings that could be read, and everything that is wrong."""

    read: Sequence[tuple[SettingsOf, BaseSettings]]
    faults: Sequence[Fault]

    @property
    def is_usable(self) -> bool:
        """Whether every process would start on it."""
        return not any(fault.is_fatal for fault in self.faults)

    @property
    def platform(self) -> PlatformSettings | None:
        """What all services share, if that could be read."""
        return next((values for _, values in self.read if isinstance(values, PlatformSettings)), None)


async def read_configuration(*, for_production: bool = False, home: Path | None = None) -> Configuration:
    """Read every setting of every service as its process would; `for_production`: as `deskbus run` would."""
    known = known_settings()
    read: list[tuple[SettingsOf, BaseSettings]] = []
    faults: list[Fault] = []
    for one in known:
        values, wrong = _read(one, {"home": home} if home and one.service == SHARED else {})
        faults += wrong
        if values is not None:
            read.append((one, values))
    configuration = Configuration(read, faults)
    if configuration.platform is not None:
        faults += await _engine_faults(configuration.platform, for_production=for_production)
    faults += _unknown(known, given_names())
    return configuration


def _read(settings: SettingsOf, given: dict[str, Any]) -> tuple[BaseSettings | None, list[Fault]]:
    described = {one.name: one for one in variables(settings)}
    try:
        return settings.model(**given), []
    except ValidationError as error:
        return None, [
            _fault(described, settings.variable(str(one["loc"][0]) if one["loc"] else ""), one["msg"])
            for one in error.errors(include_input=False, include_url=False)
        ]
    except SettingsError:
        # Of a field that is written as JSON; the text names the field and its source.
        return None, [Fault(settings.prefix, "one of these variables holds no JSON", "", "")]


def _fault(described: dict[str, Variable], name: str, wrong: str) -> Fault:
    variable = described.get(name)
    if variable is None:
        return Fault(name, wrong, "", "")
    return Fault(name, wrong, variable.takes, variable.example if variable.default else "")


async def _engine_faults(settings: PlatformSettings, *, for_production: bool) -> list[Fault]:
    faults = []
    for field, url in ENGINE_URLS.items():
        try:
            await require_readable(field, str(getattr(settings, field)))
        except DeskbusError as error:
            name = f"DESKBUS_{field.upper()}"
            faults.append(Fault(name, str(error).removeprefix(f"{name}: "), url.takes, f"{name}={url.example}"))
    if for_production or names_engines(settings):
        try:
            require_production(settings)
        except SettingsMissingError as error:
            faults.append(Fault(SHARED, str(error), "", ""))
    return faults


def _unknown(known: Sequence[SettingsOf], given: set[str]) -> Iterator[Fault]:
    """Variables that begin like ours and are read by nobody: typing errors, or settings of another release."""
    names = {variable.name for one in known for variable in variables(one)}
    ours = tuple(one.prefix.upper() for one in known)
    for name in sorted(given - names):
        if name.startswith(ours) and not name.startswith(_NOT_SETTINGS):
            meant = get_close_matches(name, names, n=1)
            guess = f", perhaps {meant[0]} is meant" if meant else ""
            yield Fault(name, f"nobody reads this variable{guess}", "", "", is_fatal=False)
