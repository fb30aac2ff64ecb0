"""A route that FastAPI builds when it is first needed."""

from collections.abc import Callable, Sequence
from typing import Any

from fastapi.routing import APIRoute
from starlette.routing import compile_path

_DECLARED = "_declared"


class LazyRoute(APIRoute):
    """What finds a route is there at once; what answers is built by its first request, or by the OpenAPI document.

    To build one costs FastAPI one to five milliseconds: for all routes of all services that was a good part of a start,
    and most of what a test of one route cost. A declaration that FastAPI refuses is found by the test that walks the
    OpenAPI documents.
    """

    def __init__(
        self, path: str, endpoint: Callable[..., Any], *, methods: Sequence[str] | None = None, **options: Any
    ) -> None:
        self.path, self.endpoint, self.methods = path, endpoint, {method.upper() for method in methods or ("GET",)}
        self.path_regex, self.path_format, self.param_convertors = compile_path(path)
        self.__dict__[_DECLARED] = {"methods": methods, **options}

    def __getattr__(self, name: str) -> Any:
        """Whatever else is asked of a route is there once it is built."""
        declared = self.__dict__.pop(_DECLARED, None)
        if declared is None:
            raise AttributeError(f"a route has no {name}")
        super().__init__(self.path, self.endpoint, **declared)
        return getattr(self, name)
