from collections.abc import AsyncIterator
from typing import Annotated

import httpx
import pytest
from fastapi import WebSocket
from pydantic import BaseModel, Field
from structlog.testing import capture_logs

from service_kit.bus import BusUnavailable
from service_kit.docstore import InvalidCursorError, UnindexedQueryError
from service_kit.errors import PermanentError
from service_kit.http import Problem, create_api, not_found
from service_kit.http.routes import Routes
from service_kit.secret_box import SecretUnreadable
from service_kit.testing.callers import http_client
from service_kit.testing.platforms import PlatformFactory


class Hopeless(PermanentError):
    """Fails for ever."""

    code = "hopeless"


class Greeting(BaseModel):
    """A body with something to get wrong."""

    name: Annotated[str, Field(max_length=5)]
    times: int


ERRORS: dict[str, Exception] = {
    "problem": Problem(409, "busy", "Somebody else is at it.", headers={"X-Reason": "busy"}, by="agt_2"),
    "not_found": not_found("ticket"),
    "unavailable": BusUnavailable("kafka-3.internal is down"),
    "permanent": Hopeless("It cannot be."),
    "secret": SecretUnreadable("no key in DESKBUS_SECRET_KEY opens it"),
    "cursor": InvalidCursorError("broken"),
    "mistake": KeyError("a customer's words"),
    "unindexed": UnindexedQueryError("tickets: no index"),
}


@pytest.fixture
async def http(make_platform: PlatformFactory) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application whose routes fail in every way."""
    router = Routes()

    @router.get("/fail/{how}")
    async def fail(how: str) -> None:
        raise ERRORS[how]

    @router.post("/greetings")
    async def greet(greeting: Greeting) -> Greeting:
        return greeting

    api = create_api(make_platform("tickets"), service="tickets", title="Tests", routers=[router])
    async with http_client(api) as client:
        yield client


@pytest.mark.parametrize(
    ("how", "status", "code"),
    [
        ("problem", 409, "busy"),
        ("not_found", 404, "not_found"),
        ("unavailable", 503, "unavailable"),
        ("permanent", 422, "hopeless"),
        ("secret", 500, "secret_unreadable"),
        ("cursor", 400, "invalid_cursor"),
        ("mistake", 500, "internal"),
        ("unindexed", 500, "internal"),
    ],
)
async def test_every_error_is_a_problem(http: httpx.AsyncClient, how: str, status: int, code: str):
    """Whatever is raised in a route is answered as RFC 9457 says, under a stable code."""
    answer = await http.get(f"/fail/{how}", headers={"X-Request-Id": "req-7"})
    document = answer.json()

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert document["type"] == f"urn:deskbus:problem:{code}"
    assert document["title"]
    assert document["status"] == status
    assert document["code"] == code
    assert document["instance"] == "urn:deskbus:request:req-7"


async def test_extra_members_and_headers_are_kept(http: httpx.AsyncClient):
    """What a problem says beyond the standard members reaches the caller."""
    answer = await http.get("/fail/problem")

    assert answer.json()["by"] == "agt_2"
    assert answer.headers["x-reason"] == "busy"


async def test_unavailable_says_when_to_try_again_and_no_more(http: httpx.AsyncClient):
    """A transient failure asks for a retry and keeps the names of our engines to ourselves."""
    answer = await http.get("/fail/unavailable")

    assert int(answer.headers["retry-after"]) > 0
    assert "kafka" not in answer.text


async def test_an_operator_is_told_what_to_do_about_a_lost_key(http: httpx.AsyncClient):
    """A secret that no key opens is nobody's bad input: 500, a sentence with the remedy, and an entry in the log."""
    with capture_logs() as entries:
        answer = await http.get("/fail/secret", headers={"X-Request-Id": "req-9"})
    documented = (await http.get("/openapi.json")).json()["paths"]["/greetings"]["post"]["responses"]["500"]

    assert "DESKBUS_SECRET_KEY" in answer.json()["detail"]
    assert "deskbus doctor" in answer.json()["detail"]
    assert [entry["request_id"] for entry in entries if entry["log_level"] == "error"] == ["req-9"]
    assert "secret_unreadable" in documented["content"]["application/problem+json"]["examples"]


async def test_an_unforeseen_failure_is_logged_and_not_told(http: httpx.AsyncClient):
    """A mistake of ours is an entry in the log under the request's id, never a text to the caller."""
    with capture_logs() as entries:
        answer = await http.get("/fail/mistake", headers={"X-Request-Id": "req-8"})

    assert "customer" not in answer.text
    assert [(entry["event"], entry["request_id"]) for entry in entries if entry["log_level"] == "error"] == [
        ("request_failed", "req-8")
    ]


async def test_invalid_fields_are_listed_without_their_values(http: httpx.AsyncClient):
    """A body that does not fit is a 422 that names each field and quotes none."""
    answer = await http.post("/greetings", json={"name": "secret-token", "times": "many"})
    document = answer.json()

    assert (answer.status_code, document["code"]) == (422, "invalid_request")
    assert {error["field"] for error in document["errors"]} == {"body.name", "body.times"}
    assert "secret-token" not in answer.text


@pytest.mark.parametrize("content", [b"{", b'{"name": ', b"\xff\xfe", b""], ids=repr)
async def test_broken_json_is_the_callers_fault(http: httpx.AsyncClient, content: bytes):
    """What is not JSON at all is a 4xx problem."""
    answer = await http.post("/greetings", content=content, headers={"Content-Type": "application/json"})

    assert answer.status_code in {400, 422}
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [("GET", "/nowhere", 404, "not_found"), ("PUT", "/greetings", 405, "method_not_allowed")],
)
async def test_unknown_addresses_and_methods(http: httpx.AsyncClient, method: str, path: str, status: int, code: str):
    """The framework's own refusals are problems as well."""
    answer = await http.request(method, path)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_strange_request_id_is_replaced(http: httpx.AsyncClient):
    """Only a tame request id is taken over; a forged one cannot write into the log."""
    answer = await http.get("/nowhere", headers={"X-Request-Id": 'x" account_id="acc_2'})

    assert answer.headers["x-request-id"].startswith("req_")


async def test_openapi_documents_problems(http: httpx.AsyncClient):
    """Every operation says what its errors look like."""
    document = (await http.get("/openapi.json")).json()
    operations = [operation for path in document["paths"].values() for operation in path.values()]

    assert operations
    for operation in operations:
        failures = [answer for status, answer in operation["responses"].items() if status > "4"]
        assert {"default", "503"} <= operation["responses"].keys()
        for answer in failures:
            assert answer["content"].keys() == {"application/problem+json"}
            assert answer["content"]["application/problem+json"]["schema"] == {"$ref": "#/components/schemas/Problem"}
    assert "code" in document["components"]["schemas"]["Problem"]["properties"]


async def test_the_log_tells_ids_and_templates_only(http: httpx.AsyncClient):
    """The access log names the route, not the address, which may hold a person's (S4)."""
    with capture_logs() as entries:
        await http.get("/fail/not_found?q=anna@customer.example")

    [entry] = [entry for entry in entries if entry["event"] == "http_request"]
    assert (entry["route"], entry["status"], entry["method"]) == ("/fail/{how}", 404, "GET")
    assert "anna" not in repr(entries)


async def test_websockets_pass_the_middlewares(make_platform: PlatformFactory):
    """A websocket reaches its route: the HTTP middlewares leave it alone."""
    router = Routes()

    @router.websocket("/ws")
    async def echo(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text(await socket.receive_text())

    api = create_api(make_platform("tickets"), service="tickets", title="Tests", routers=[router])
    incoming = iter([{"type": "websocket.connect"}, {"type": "websocket.receive", "text": "hello"}])
    sent: list[dict[str, object]] = []

    async def receive() -> dict[str, str]:
        return next(incoming)

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    scope = {
        "type": "websocket",
        "path": "/ws",
        "raw_path": b"/ws",
        "query_string": b"",
        "headers": [],
        "subprotocols": [],
        "scheme": "ws",
        "client": None,
        "server": None,
    }
    await api(scope, receive, send)

    assert [message.get("text") for message in sent if message["type"] == "websocket.send"] == ["hello"]
