"""The seven services, each on its own platform. A service that is not asked for is not imported."""

from importlib import import_module

from pydantic import ValidationError

from deskbus.engines import Engines
from service_kit.errors import DeskbusError
from service_kit.platform import Platform
from service_kit.service import Service

SERVICE_NAMES = ("tickets", "router", "ingest-email", "ingest-sms", "webchat-gateway", "notifier", "reporting")


class UnknownServiceError(DeskbusError):
    """There is no service of that name."""


class InvalidSettingsError(DeskbusError):
    """The environment holds a setting of a service that does not fit."""


def compose(engines: Engines) -> list[tuple[Service, Platform]]:
    """Every service with its platform, in the order in which they start."""
    return [compose_one(engines, name) for name in SERVICE_NAMES]


def compose_one(engines: Engines, name: str) -> tuple[Service, Platform]:
    """One service with its platform; nothing is started.

    Raises:
        UnknownServiceError: there is none of that name.
        InvalidSettingsError: its settings do not fit.
    """
    if name not in SERVICE_NAMES:
        raise UnknownServiceError(f"there is no service {name!r}; there are: {', '.join(SERVICE_NAMES)}")
    module = import_module(f"{name.replace('-', '_')}.app")
    platform = engines.platform_of(name)
    try:
        service: Service = module.create_service(platform)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise InvalidSettingsError(f"the settings of {name} do not fit ({error.title}): {wrong}") from error
    return service, platform
