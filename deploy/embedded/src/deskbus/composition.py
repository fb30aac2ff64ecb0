"""All seven services, each on its own platform."""

import ingest_email.app
import ingest_sms.app
import notifier.app
import reporting.app
import router.app
import tickets.app
import webchat_gateway.app
from deskbus.engines import Engines
from service_kit.platform import Platform
from service_kit.service import Service

_SERVICES = {
    "tickets": tickets.app.create_service,
    "router": router.app.create_service,
    "ingest-email": ingest_email.app.create_service,
    "ingest-sms": ingest_sms.app.create_service,
    "webchat-gateway": webchat_gateway.app.create_service,
    "notifier": notifier.app.create_service,
    "reporting": reporting.app.create_service,
}

SERVICE_NAMES: tuple[str, ...] = tuple(_SERVICES)


def compose(engines: Engines) -> list[tuple[Service, Platform]]:
    """Every service with its platform, in the order in which they start."""
    composed = []
    for name, create in _SERVICES.items():
        platform = engines.platform_of(name)
        composed.append((create(platform), platform))
    return composed
