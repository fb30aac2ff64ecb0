"""Writes are refused while there is no room to finish them; reads go on."""

from starlette.types import ASGIApp, Receive, Scope, Send

from service_kit.admission import Admission

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class AdmissionGate:
    """ASGI middleware that asks `admission` before every write; its `StorageFull` becomes a 503."""

    def __init__(self, app: ASGIApp, admission: Admission) -> None:
        self._app = app
        self._admission = admission

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or hand the request on."""
        if scope["type"] == "http" and scope["method"] in WRITES:
            self._admission.check()
        await self._app(scope, receive, send)
