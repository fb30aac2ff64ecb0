import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from fastapi import Request
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from service_kit.admission import StorageFull
from service_kit.http import create_api
from service_kit.http.json_limits import MAX_DEPTH, flaw_of
from service_kit.http.routes import Routes
from service_kit.testing.callers import http_client
from service_kit.testing.platforms import PlatformFactory

LIMIT = 10_000
JSON = {"Content-Type": "application/json"}


class Anything(BaseModel):
    """A body that lets everything through to where it would hurt."""

    value: Any


class FullDisk:
    """Admission of a machine without room."""

    def check(self) -> None:
        """Refuse."""
        raise StorageFull("no room")


def things_router() -> Routes:
    """Routes that take a declared body, a raw one, and none."""
    router = Routes()

    @router.post("/things")
    async def take(thing: Anything) -> Anything:
        return thing

    @router.post("/raw")
    async def take_raw(request: Request) -> int:
        return len(await request.body())

    @router.get("/things")
    async def read() -> str:
        return "ok"

    return router


@pytest.fixture
async def http(make_platform: PlatformFactory) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application that takes bodies of at most `LIMIT` bytes."""
    api = create_api(
        make_platform("tickets"), service="tickets", title="Tests", routers=[things_router()], max_body_bytes=LIMIT
    )
    async with http_client(api) as client:
        yield client


@pytest.mark.parametrize("path", ["/things", "/raw"])
async def test_a_body_may_be_as_large_as_the_limit_and_no_larger(http: httpx.AsyncClient, path: str):
    """A body of the limit passes; one byte more is a 413 problem (I7)."""
    empty = len(json.dumps({"value": ""}))
    fits = json.dumps({"value": "x" * (LIMIT - empty)})
    taken = await http.post(path, content=fits, headers=JSON)
    refused = await http.post(path, content=fits + " ", headers=JSON)

    assert taken.status_code == 200
    assert (refused.status_code, refused.json()["code"]) == (413, "too_large")


async def test_paths_below_a_prefix_may_have_another_limit(make_platform: PlatformFactory):
    """What is larger by intention has its own limit, and the rest keeps the usual one (I7)."""
    api = create_api(
        make_platform("tickets"),
        service="tickets",
        title="Tests",
        routers=[things_router()],
        max_body_bytes=LIMIT,
        larger_bodies={"/ra": 2 * LIMIT},
    )
    async with http_client(api) as client:
        answers = [
            await client.post(path, content=b"x" * size)
            for path, size in (("/raw", LIMIT + 1), ("/raw", 2 * LIMIT + 1), ("/things", LIMIT + 1))
        ]

    assert [answer.status_code for answer in answers] == [200, 413, 413]


@pytest.mark.parametrize("path", ["/things", "/raw"])
async def test_a_body_without_length_is_counted_as_it_comes(http: httpx.AsyncClient, path: str):
    """A streamed body is stopped at the limit, long before its sender ends."""
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 100 * LIMIT:
            sent += 1000
            yield b" " * 1000

    refused = await http.post(path, content=endless(), headers=JSON)

    assert (refused.status_code, refused.json()["code"]) == (413, "too_large")
    assert sent <= LIMIT + 2000


async def test_a_lying_length_is_not_believed(http: httpx.AsyncClient):
    """Content-Length can only make the refusal earlier, never let more through."""

    async def much() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 1000

    refused = await http.post("/raw", content=much(), headers={"Content-Length": "10"})

    assert refused.status_code == 413


@pytest.mark.parametrize(
    "value",
    [
        "[" * 100 + "]" * 100,
        "[" * 4000 + "]" * 4000,
        '{"a":' * 900 + "1" + "}" * 900,
        '"\\u0000"',
        '{"\\u0000": 1}',
        '"\\ud800"',
        '["fine", "\\udfff"]',
        "NaN",
        "Infinity",
        "1" * 30,
        "9" * 5000,
        "1e400",
    ],
    ids=lambda value: value[:12],
)
async def test_hostile_json_is_refused_and_never_a_500(http: httpx.AsyncClient, value: str):
    """Depth bombs, NUL, lone surrogates and numbers no store can hold are the caller's fault (S4)."""
    answer = await http.post("/things", content=f'{{"value": {value}}}', headers=JSON)

    assert answer.status_code in {400, 422}
    assert answer.headers["content-type"] == "application/problem+json"


async def test_ordinary_json_passes(http: httpx.AsyncClient):
    """Nesting up to the limit, every script and 64-bit numbers are let through unchanged."""
    value: Any = ["Zoë", "😀", "日本", 2**63 - 1, -(2**63) + 1, 0.5, True, None]
    for _ in range(MAX_DEPTH - 3):
        value = [value]
    answer = await http.post("/things", json={"value": value})

    assert answer.json() == {"value": value}


async def test_raw_bodies_are_not_judged(http: httpx.AsyncClient):
    """A gateway that reads the raw request keeps what it cannot use: nothing refuses it at the door (I6)."""
    answer = await http.post("/raw", content=b'{"text": "\\u0000"}', headers=JSON)

    assert (answer.status_code, answer.json()) == (200, 18)


@pytest.mark.parametrize("path", ["/things%00", "/things?q=%00"])
async def test_nul_in_the_address_is_refused(http: httpx.AsyncClient, path: str):
    """No store is ever asked for an id with a NUL in it."""
    answer = await http.get(path)

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")


async def test_writes_are_refused_when_there_is_no_room(make_platform: PlatformFactory):
    """Without room every write is a 503 with `storage_full`, while reads go on (I3)."""
    platform = replace(make_platform("tickets"), admission=FullDisk())
    api = create_api(platform, service="tickets", title="Tests", routers=[things_router()])
    async with http_client(api) as http:
        read = await http.get("/things")
        written = [await http.request(method, "/things", json={}) for method in ("POST", "PUT", "PATCH", "DELETE")]

    assert read.status_code == 200
    assert [(answer.status_code, answer.json()["code"]) for answer in written] == [(503, "storage_full")] * 4
    assert all("retry-after" in answer.headers for answer in written)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
    max_leaves=20,
)


@given(json_values)
def test_whatever_passes_can_be_stored(value: Any):
    """JSON without a flaw survives UTF-8, strict JSON and 64-bit integers: what stores and bus need."""
    if flaw_of(value) is not None:
        return
    text = json.dumps(value, allow_nan=False, ensure_ascii=False)

    assert json.loads(text.encode()) == value
    assert "\\u0000" not in text
