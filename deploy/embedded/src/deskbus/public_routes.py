"""Which path belongs to which service, for whatever stands in front of them: read from the services themselves."""

from collections.abc import Sequence
from dataclasses import dataclass

from deskbus.documents import DOCUMENT_PREFIXES, openapi_path
from service_kit.service import Service

FALLBACK = "tickets"
"""Answers what no prefix leads to: 404 as a problem document."""
INTERNAL_PATHS = ("/metrics", "/readyz")
"""For operators inside; a proxy answers 404."""


@dataclass(frozen=True, slots=True)
class Route:
    """Everything at and below a prefix; a segment in braces stands for any."""

    prefix: str
    service: str

    @property
    def pattern(self) -> str:
        """A regular expression for the paths, as Python and Go read them."""
        segments = [
            "[^/]+" if segment.startswith("{") else segment.replace(".", r"\.")
            for segment in self.prefix[1:].split("/")
        ]
        return f"^/{'/'.join(segments)}(/|$)"


def public_routes(services: Sequence[Service]) -> list[Route]:
    """The routes in the order in which they are to be tried: the one with the most segments first."""
    routes = [Route(prefix, service.name) for service in services for prefix in service.prefixes]
    routes += [Route(openapi_path(service.name), service.name) for service in services]
    routes += [Route(prefix, FALLBACK) for prefix in DOCUMENT_PREFIXES]
    return sorted(routes, key=lambda route: (-route.prefix.count("/"), route.prefix))
