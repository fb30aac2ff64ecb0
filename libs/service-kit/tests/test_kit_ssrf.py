import asyncio
from collections.abc import Sequence

import pytest

from service_kit.ssrf import (
    ForbiddenAddress,
    GuardedHttp,
    MalformedRequest,
    PeerUnavailable,
    Resolver,
    ResponseTooLarge,
)
from service_kit.testing.http_peer import HttpPeer, replying
from service_kit.testing.name_service import NameService


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/",
        "file:///etc/passwd",
        "//example.com/",
        "example.com",
        "http://",
        "https:///path",
        "http://user@example.com/",
        "http://user:secret@example.com/",
        "http://example.com:0/",
        "http://example.com:65536/",
        "http://example.com:port/",
        "http://exa mple.com/",
        "http://example.com/\r\nX: y",
        "http://[::1/",
        "http://example.com/" + "x" * 2048,
    ],
)
async def test_urls_of_another_form_are_refused(url: str):
    """Only plain http and https URLs with a valid port and no user part are looked up at all."""
    names = NameService()

    with pytest.raises(ForbiddenAddress) as caught:
        await GuardedHttp(allow_private=True, resolve=names).request("GET", url)
    assert caught.value.code == "forbidden_address"
    assert names.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://[::1]/",
        "http://[::ffff:7f00:1]/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://localhost/",
        "http://LOCALHOST/",
        "http://169.254.169.254/latest/meta-data/",
    ],
)
async def test_disguised_loopback_is_refused(url: str):
    """However loopback is written, the system's own resolver says what it is before anything is called."""
    with pytest.raises(ForbiddenAddress):
        await GuardedHttp(allow_private=False, timeout_seconds=5).request("GET", url)


async def test_one_forbidden_address_forbids_the_name():
    """A name with a public and a private address is refused, so that luck plays no part."""
    names = NameService(mixed=[["8.8.8.8", "127.0.0.1"]])

    with pytest.raises(ForbiddenAddress):
        await GuardedHttp(allow_private=False, resolve=names).request("GET", "http://mixed.example/")


async def test_the_checked_address_is_the_called_one():
    """A name that changes its mind between check and call gains nothing: it is asked once and pinned."""
    names = NameService(rebinding=[["127.0.0.1"], ["169.254.169.254"]])
    async with HttpPeer(replying()).listening() as peer:
        http = GuardedHttp(allow_private=True, resolve=names)
        response = await http.request("GET", f"http://rebinding.example:{peer.port}/path?query=1")

    assert (response.status, response.body) == (200, b"hello")
    assert names.asked == ["rebinding.example"]
    assert peer.requests[0].startswith(b"GET /path?query=1 HTTP/1.1\r\n")
    assert f"Host: rebinding.example:{peer.port}\r\n".encode() in peer.requests[0]


async def test_sends_what_it_is_given():
    """Method, headers, body and basic authentication arrive; the host header is always the URL's."""
    names = NameService(peer=[["127.0.0.1"]])
    async with HttpPeer(replying("204 No Content")).listening() as peer:
        http = GuardedHttp(allow_private=True, resolve=names)
        await http.request(
            "POST",
            f"http://peer.example:{peer.port}/",
            headers={"X-Test": "1", "host": "inside.example", "Accept-Encoding": "gzip"},
            content=b"{}",
            auth=("user", "secret"),
        )
    lines = peer.requests[0].lower().split(b"\r\n")

    assert lines[0] == b"post / http/1.1"
    assert {
        b"x-test: 1",
        b"content-length: 2",
        b"accept-encoding: identity",
        b"authorization: basic dxnlcjpzzwnyzxq=",
    } <= set(lines)
    assert [line for line in lines if line.startswith(b"host:")] == [f"host: peer.example:{peer.port}".encode()]


@pytest.mark.parametrize("headers", [{"X-Test": "a\r\nInjected: 1"}, {"X-Test\r\nInjected": "1"}, {"X-Test": "ü"}])
async def test_headers_cannot_be_injected(headers: dict[str, str]):
    """A line break in a header is the caller's mistake for ever, not the peer's for now (S4)."""
    async with HttpPeer(replying()).listening() as peer:
        http = GuardedHttp(allow_private=True)
        with pytest.raises(MalformedRequest):
            await http.request("GET", f"http://127.0.0.1:{peer.port}/", headers=headers)

    assert peer.requests == []


async def test_redirects_are_answers():
    """A redirect to the inside is returned as it is and never followed."""
    location = "Location: http://169.254.169.254/\r\nSet-Cookie: a=b\r\n"
    async with HttpPeer(replying("302 Found", location)).listening() as peer:
        http = GuardedHttp(allow_private=True)
        responses = [await http.request("GET", f"http://127.0.0.1:{peer.port}/") for _ in range(2)]

    assert [response.status for response in responses] == [302, 302]
    assert len(peer.requests) == 2
    assert b"cookie" not in peer.requests[1].lower()


async def test_a_long_answer_is_cut_off():
    """An answer over the limit is refused while it comes in, whatever length it declares."""

    async def endless(writer: asyncio.StreamWriter, _request: bytes) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 10_000)
            await writer.drain()

    async with HttpPeer(endless).listening() as peer:
        http = GuardedHttp(allow_private=True, max_response_bytes=50_000)
        with pytest.raises(ResponseTooLarge):
            await http.request("GET", f"http://127.0.0.1:{peer.port}/")


async def test_an_answer_of_the_limit_is_taken():
    """The limit itself is allowed."""
    async with HttpPeer(replying(body=b"x" * 1000)).listening() as peer:
        http = GuardedHttp(allow_private=True, max_response_bytes=1000)
        response = await http.request("GET", f"http://127.0.0.1:{peer.port}/")

    assert response.body == b"x" * 1000


async def test_compressed_answers_are_not_unpacked():
    """A small answer that would unpack to gigabytes stays small."""
    packed = b"\x1f\x8b not really gzip"
    async with HttpPeer(replying(headers="Content-Encoding: gzip\r\n", body=packed)).listening() as peer:
        response = await GuardedHttp(allow_private=True).request("GET", f"http://127.0.0.1:{peer.port}/")

    assert response.body == packed
    assert response.headers["content-encoding"] == "gzip"


async def test_a_dripping_answer_ends_with_the_time_limit():
    """A peer that sends a byte now and then cannot hold us beyond the limit for the whole request."""

    async def drip(writer: asyncio.StreamWriter, _request: bytes) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)

    async with HttpPeer(drip).listening() as peer:
        http = GuardedHttp(allow_private=True, timeout_seconds=0.2)
        with pytest.raises(PeerUnavailable, match="within"):
            await http.request("GET", f"http://127.0.0.1:{peer.port}/")


async def test_a_stalled_name_server_ends_with_the_time_limit():
    """A look-up that never ends is bounded as well."""

    async def never(_host: str, _port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        return []

    with pytest.raises(PeerUnavailable):
        await GuardedHttp(allow_private=True, timeout_seconds=0.05, resolve=never).request(
            "GET", "http://peer.example/"
        )


async def test_unreachable_peers_are_transient():
    """No address, nobody listening, or an answer that is not HTTP: try again later."""

    async def garbage(writer: asyncio.StreamWriter, _request: bytes) -> None:
        writer.write(b"SSH-2.0-OpenSSH\r\n")

    http = GuardedHttp(allow_private=True, resolve=NameService(nowhere=[[]]))
    with pytest.raises(PeerUnavailable):
        await http.request("GET", "http://nowhere.example/")
    async with HttpPeer(garbage).listening() as peer:
        with pytest.raises(PeerUnavailable):
            await GuardedHttp(allow_private=True).request("GET", f"http://127.0.0.1:{peer.port}/")
    with pytest.raises(PeerUnavailable):
        await GuardedHttp(allow_private=True).request("GET", f"http://127.0.0.1:{peer.port}/")


async def test_the_next_address_is_tried_when_one_does_not_connect():
    """A name with a dead address still works; nothing was sent to the dead one."""
    names = NameService(peer=[["::1", "127.0.0.2", "127.0.0.1"]])
    async with HttpPeer(replying()).listening() as peer:
        response = await GuardedHttp(allow_private=True, resolve=names).request(
            "GET", f"http://peer.example:{peer.port}/"
        )

    assert response.status == 200
    assert len(peer.requests) == 1


async def test_a_name_that_does_not_exist_is_transient():
    """The name server may know it tomorrow; a label that no name can have does not differ."""
    resolver = Resolver()

    with pytest.raises(PeerUnavailable):
        await resolver("does-not-exist.invalid", 80)
    with pytest.raises(PeerUnavailable):
        await resolver("x" * 64 + ".example", 80)
    assert "127.0.0.1" in await resolver("localhost", 80)
