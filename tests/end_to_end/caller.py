"""HTTP as one person or key; every refusal is checked to be a problem document."""

from dataclasses import dataclass
from typing import Any

import httpx

_MEMBERS = {"type", "title", "status", "code", "detail", "instance"}


@dataclass(frozen=True, slots=True)
class Problem:
    """A refusal: its status, its stable code, and the whole document."""

    status: int
    code: str
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Caller:
    """Requests with one token; without one, as a stranger."""

    client: httpx.Client
    token: str | None = None

    def send(self, method: str, path: str, *, headers: dict[str, str] | None = None, **options: Any) -> httpx.Response:
        """Any request; the answer as it is."""
        given = dict(headers or {})
        if self.token is not None:
            given.setdefault("Authorization", f"Bearer {self.token}")
        return self.client.request(method, path, headers=given, **options)

    def ask(self, method: str, path: str, *, headers: dict[str, str] | None = None, **options: Any) -> Any:
        """A request that must succeed; its answer's JSON, None for an empty one."""
        answer = self.send(method, path, headers=headers, **options)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        return answer.json() if answer.content else None

    def get(self, path: str, **query: Any) -> Any:
        """GET as JSON."""
        return self.ask("GET", path, params={name.rstrip("_"): value for name, value in query.items()})

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        """POST JSON; keywords are headers, `if_match` being `If-Match`."""
        return self.ask("POST", path, json=body, headers=_headers(headers))

    def put(self, path: str, body: Any, **headers: str) -> Any:
        """PUT JSON."""
        return self.ask("PUT", path, json=body, headers=_headers(headers))

    def patch(self, path: str, body: Any) -> Any:
        """PATCH with a JSON merge patch."""
        return self.ask("PATCH", path, json=body)

    def delete(self, path: str) -> None:
        """DELETE."""
        self.ask("DELETE", path)

    def everything(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """The items of all pages."""
        page = self.get(path, **query)
        items: list[dict[str, Any]] = page["items"]
        while page["next_cursor"]:
            page = self.get(path, cursor=page["next_cursor"], **query)
            items += page["items"]
        return items

    def refused(self, method: str, path: str, body: Any = None, **options: Any) -> Problem:
        """A request that must be refused, with a whole problem document (RFC 9457)."""
        if body is not None:
            options["json"] = body
        return problem_of(self.send(method, path, **options))


def problem_of(answer: httpx.Response) -> Problem:
    """The problem that an answer is; it must be one, with every member."""
    assert answer.is_error, f"not refused: {answer.status_code} {answer.text[:500]}"
    assert answer.headers["content-type"].startswith("application/problem+json"), answer.text[:500]
    document: dict[str, Any] = answer.json()
    assert document.keys() >= _MEMBERS, document
    assert document["status"] == answer.status_code
    return Problem(answer.status_code, document["code"], document)


def _headers(given: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-").title(): value for name, value in given.items()}
