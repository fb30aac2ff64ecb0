"""The router that services declare their routes on."""

from typing import Any

from fastapi import APIRouter, Depends, FastAPI

from service_kit.http.json_limits import refuse_flawed_json
from service_kit.http.lazy_route import LazyRoute
from service_kit.http.problems import MEDIA_TYPE

_PROBLEM = {"$ref": "#/components/schemas/Problem"}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": {"description": "A problem", "content": {MEDIA_TYPE: {"schema": _PROBLEM}}},
}


class Routes(APIRouter):
    """FastAPI's router, with what every route has: a body that is judged, and errors documented as problems."""

    def __init__(self, prefix: str = "", *, tags: list[str] | None = None, include_in_schema: bool = True) -> None:
        super().__init__(
            prefix=prefix,
            tags=[*tags] if tags else None,
            include_in_schema=include_in_schema,
            dependencies=[Depends(refuse_flawed_json)],
            responses=_RESPONSES,
            route_class=LazyRoute,
        )

    def join(self, api: FastAPI) -> None:
        """Become routes of the application.

        As they are: FastAPI's `include_router` builds each anew, and once more at the first request.
        """
        api.router.routes.extend(self.routes)
