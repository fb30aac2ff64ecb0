"""Everything one service's own process serves: its API, and the documents of that API."""

from starlette.types import ASGIApp, Receive, Scope, Send

from deskbus.composition import SERVICE_NAMES
from deskbus.documents import SITE_PREFIXES, create_documents
from deskbus.public_routes import FALLBACK
from service_kit.service import Service

_DOCUMENTS = frozenset(prefix.strip("/") for prefix in SITE_PREFIXES)


class ServiceSite:
    """An ASGI application: documents under their prefixes, the service's API for all else.

    One of them answers `/docs` for the whole origin, and leads to the documents of the others.
    """

    def __init__(self, service: Service, *, version: str, url: str) -> None:
        listed = SERVICE_NAMES if service.name == FALLBACK else ()
        self._api: ASGIApp = service.api
        self._documents: ASGIApp = create_documents(
            [service], title=service.api.title, version=version, url=url, listed=listed
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on."""
        first = scope.get("path", "/").split("/")[1:2]
        application = self._documents if _DOCUMENTS.issuperset(first) and first else self._api
        await application(scope, receive, send)
