"""A small client of Deskbus' own HTTP API."""

from typing import Any, Self

import httpx

from service_kit.errors import DeskbusError


class ApiError(DeskbusError):
    """The API refused; the text is the problem's own."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.status = status
        self.code = code


class ApiUnreachableError(DeskbusError):
    """Nobody answers where the API should be."""


class Api:
    """Requests as one person or key. Use it as an asynchronous context manager."""

    def __init__(self, base_url: str, token: str, *, timeout_seconds: float = 10.0) -> None:
        self._client = httpx.AsyncClient(
            base_url=base_url, headers={"Authorization": f"Bearer {token}"}, timeout=timeout_seconds
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def get(self, path: str, **query: Any) -> Any:
        """GET as JSON."""
        return await self._send("GET", path, params={k: v for k, v in query.items() if v is not None})

    async def post(self, path: str, body: Any) -> Any:
        """POST JSON."""
        return await self._send("POST", path, json=body)

    async def put(self, path: str, body: Any) -> Any:
        """PUT JSON."""
        return await self._send("PUT", path, json=body)

    async def patch(self, path: str, body: Any) -> Any:
        """PATCH with a JSON merge patch."""
        return await self._send("PATCH", path, json=body)

    async def delete(self, path: str) -> None:
        """DELETE."""
        await self._send("DELETE", path)

    async def _send(self, method: str, path: str, **options: Any) -> Any:
        try:
            answer = await self._client.request(method, path, **options)
        except httpx.TransportError as error:
            where = self._client.base_url
            raise ApiUnreachableError(f"{where} does not answer ({type(error).__name__}); is it running?") from error
        if answer.is_success:
            return answer.json() if answer.content else None
        problem = answer.json() if "json" in answer.headers.get("content-type", "") else {}
        raise ApiError(answer.status_code, problem.get("code", "unknown"), problem.get("detail", answer.text[:200]))
