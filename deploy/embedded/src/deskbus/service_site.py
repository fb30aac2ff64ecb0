"""Everything one service's own process serves: its API, and the documents of that API."""

from starlette.types import ASGIApp, Receive, Scope, Send

from deskbus.documents import DOCUMENT_PREFIXES, create_documents
from service_kit.service import Service

_DOCUMENTS = frozenset(prefix.strip("/") for prefix in DOCUMENT_PREFIXES)


class ServiceSite:
    """An ASGI application: documents under their prefixes, the service's API for all else."""

    def __init__(self, service: Service, *, version: str, url: str) -> None:
        self._api: ASGIApp = service.api
        self._documents: ASGIApp = create_documents([service], title=service.api.title, version=version, url=url)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on."""
        first = scope.get("path", "/").split("/")[1:2]
        application = self._documents if _DOCUMENTS.issuperset(first) and first else self._api
        await application(scope, receive, send)
