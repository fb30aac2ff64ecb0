import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from service_kit.problem import Problem
from service_kit.ssrf import ForbiddenAddress
from tickets.ticket.desk import Desk
from tickets.ticket.history import History
from tickets.ticket.history_store import HistoryStore
from tickets.ticket.message_store import MessageStore
from tickets.ticket.ticket_store import TicketStore
from tickets.writing.image_fetching import ImageFetching
from tickets.writing.publication import Publication
from tickets.writing.remote_images import image_type, remote_images

ACCOUNT = "acc_1"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
SVG = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"


@asynccontextmanager
async def _web(**pages: bytes) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A web server with these answers by path; where it is, and what it was asked."""
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        asked.append(request)
        writer.write(pages[request.split()[1].decode().strip("/")])
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked


def _answer(body: bytes, status: str = "200 OK", **headers: str) -> bytes:
    lines = [
        f"HTTP/1.1 {status}",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _fetching(bench: Any, *, allow_private: bool) -> ImageFetching:
    """The use case on the stores of a running service."""
    platform = bench.platform
    messages, history = MessageStore(platform.store), HistoryStore(platform.store)
    publication = Publication(messages, history, platform.blobs, platform.clock)
    desk = Desk(TicketStore(platform.store), History(history), publication, platform.bus, platform.clock)
    settings = platform.settings.model_copy(update={"allow_private_urls": allow_private})
    return ImageFetching(desk, messages, settings)


async def _shown(bench: Any, *urls: str) -> tuple[str, str]:
    """Ticket and message of a mail that shows pictures."""
    html = "".join(f'<img src="remote:{url}">' for url in urls)
    [entry] = await bench.receive(bench.inbox.mail(html=html))
    page = await bench.get(f"/v1/tickets/{entry.ticket_id}/messages")
    return entry.ticket_id, page["items"][0]["id"]


def test_only_what_stands_in_the_message_is_its_picture():
    """Addresses are read as the sanitiser writes them; pictures of the mail itself and links are none (S4)."""
    shown = remote_images(
        '<a href="https://a.example/link"><img alt="x" src="remote:https://a.example/p?b=1&amp;c=2"></a>'
        '<img src="cid:logo"><img src="remote:http://b.example/q">'
    )

    assert shown == {"https://a.example/p?b=1&c=2", "http://b.example/q"}
    assert remote_images(None) == frozenset()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a\1\0", "image/gif"),
        (b"RIFF\1\2\3\4WEBPVP8 ", "image/webp"),
        (b"RIFF\1\2\3\4WAVE", None),
        (SVG, None),
        (b"<html>", None),
        (b"", None),
    ],
)
def test_a_picture_is_what_begins_as_one(data: bytes, kind: str | None):
    """What its server calls it does not count, and SVG may hold scripts (S4)."""
    assert image_type(data) == kind


async def test_a_picture_is_fetched_for_who_may_read_the_message(bench: Any):
    """Redirects are followed, no cookie or referrer is sent, and what comes is a picture by its bytes (S4)."""
    moved = _answer(b"", "302 Found", Location="/real")
    async with _web(moved=moved, real=_answer(PNG, **{"Content-Type": "text/html"})) as (origin, asked):
        place = await _shown(bench, f"{origin}/moved")
        image = await _fetching(bench, allow_private=True).fetch(ACCOUNT, *place, f"{origin}/moved")

    assert (image.content_type, image.data) == ("image/png", PNG)
    assert len(asked) == 2
    assert not any(word in b"".join(asked).lower() for word in (b"cookie", b"referer", b"authorization"))


async def test_what_is_no_picture_is_not_passed_on(bench: Any):
    """Scripts, errors, endless redirects and too much of anything end in a problem with a code (S4)."""
    pages = {
        "svg": _answer(SVG),
        "gone": _answer(PNG, "404 Not Found"),
        "loop": _answer(b"", "302 Found", Location="/loop"),
        "large": _answer(PNG + b"x" * 5 * 1024 * 1024),
    }
    codes = {}
    async with _web(**pages) as (origin, _):
        place = await _shown(bench, *(f"{origin}/{name}" for name in pages))
        fetching = _fetching(bench, allow_private=True)
        for name in pages:
            with pytest.raises(Problem) as refused:
                await fetching.fetch(ACCOUNT, *place, f"{origin}/{name}")
            codes[name] = (refused.value.status, refused.value.code)

    unavailable = (502, "image_unavailable")
    assert codes == {"svg": (502, "not_an_image"), "gone": unavailable, "loop": unavailable, "large": unavailable}


async def test_the_guard_stands_before_every_request(bench: Any):
    """A private address is not called, and where a redirect leads to one that never may be, the answer says so (S4)."""
    away = _answer(b"", "302 Found", Location="http://169.254.169.254/latest/meta-data")
    async with _web(p=_answer(PNG), away=away) as (origin, asked):
        ticket_id, message_id = await _shown(bench, f"{origin}/p", f"{origin}/away")
        with pytest.raises(ForbiddenAddress):
            await _fetching(bench, allow_private=False).fetch(ACCOUNT, ticket_id, message_id, f"{origin}/p")
        unasked = list(asked)
        path = f"/v1/tickets/{ticket_id}/messages/{message_id}/images"
        refused = await bench.http.get(path, params={"url": f"{origin}/away"})
        shown = await bench.http.get(path, params={"url": f"{origin}/p"})

    assert unasked == []
    assert (refused.status_code, refused.json()["code"]) == (422, "forbidden_address")
    assert (shown.status_code, shown.headers["content-type"], shown.content) == (200, "image/png", PNG)
    assert shown.headers["content-security-policy"] == "sandbox; default-src 'none'"


async def test_only_pictures_of_the_message_are_fetched(bench: Any):
    """The route is no proxy: other addresses, other messages and other accounts' tickets are not found (S4)."""
    ticket_id, message_id = await _shown(bench, "https://a.example/p")
    other_id, _ = await _shown(bench, "https://b.example/p")
    asked = [
        (f"/v1/tickets/{ticket_id}/messages/{message_id}/images", "https://b.example/p"),
        (f"/v1/tickets/{other_id}/messages/{message_id}/images", "https://a.example/p"),
        (f"/v1/tickets/{ticket_id}/messages/msg_none/images", "https://a.example/p"),
    ]
    answers = [(await bench.http.get(path, params={"url": url})).status_code for path, url in asked]

    assert answers == [404, 404, 404]
