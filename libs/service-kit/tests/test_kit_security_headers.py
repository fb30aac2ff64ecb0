import base64
import hashlib

import httpx
import pytest
from fastapi import FastAPI, WebSocket
from fastapi.responses import PlainTextResponse
from starlette.types import Message

from service_kit.http.page import Page, page_policy
from service_kit.http.security_headers import SecurityHeaders

PAGE = """<!doctype html><style>p { color: red }</style><p>&lt;script&gt;</p><script src="/a.js"></script>
<script>const a = "<p>&amp;</p>";</script>"""


def application() -> FastAPI:
    """One that answers in every way."""
    app = FastAPI()
    app.add_api_route("/page", lambda: Page(PAGE), response_class=Page)
    app.add_api_route(
        "/file",
        lambda: PlainTextResponse("x", headers={"Content-Security-Policy": "sandbox", "Referrer-Policy": "origin"}),
    )

    @app.websocket("/socket")
    async def socket(socket: WebSocket) -> None:
        await socket.send_denial_response(PlainTextResponse("no", status_code=403))

    return app


async def answered(path: str, *, origin: str = "http://desk.example") -> httpx.Headers:
    """The headers of an answer."""
    transport = httpx.ASGITransport(SecurityHeaders(application(), origin=origin))
    async with httpx.AsyncClient(transport=transport, base_url="http://desk.example") as http:
        return (await http.get(path)).headers


@pytest.mark.parametrize("path", ["/page", "/file", "/nothing"])
async def test_every_answer_has_the_headers(path: str):
    """Whoever gave it, an answer is not framed, not guessed at, and tells nobody where a link was clicked (S4)."""
    headers = await answered(path)

    assert headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "referrer-policy" in headers
    assert "strict-transport-security" not in headers


async def test_what_an_answer_says_itself_stays():
    """A policy of its own is completed, never replaced."""
    headers = await answered("/file")

    assert headers["content-security-policy"] == "sandbox; frame-ancestors 'none'"
    assert headers["referrer-policy"] == "origin"


async def test_only_encrypted_from_now_on():
    """Where the public address is https, browsers are told to stay with it."""
    headers = await answered("/nothing", origin="https://desk.example")

    assert headers["strict-transport-security"] == "max-age=31536000"


async def test_a_refused_socket_has_the_headers():
    """A denial is an answer like any other."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "websocket",
        "path": "/socket",
        "headers": [],
        "query_string": b"",
        "extensions": {"websocket.http.response": {}},
    }
    await SecurityHeaders(application(), origin="")(scope, receive, send)

    assert sent[0]["status"] == 403
    assert (b"x-content-type-options", b"nosniff") in sent[0]["headers"]


def test_a_page_runs_its_own_scripts_and_no_others():
    """Inline scripts and styles are named by their digests; nothing inline is allowed at large (S4)."""
    policy = page_policy(PAGE)
    digests = [
        base64.b64encode(hashlib.sha256(text).digest()).decode()
        for text in (b'const a = "<p>&amp;</p>";', b"p { color: red }")
    ]

    assert f"script-src 'self' 'sha256-{digests[0]}';" in policy
    assert f"style-src 'self' 'sha256-{digests[1]}';" in policy
    assert "unsafe" not in policy
