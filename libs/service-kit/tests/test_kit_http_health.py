import httpx
import pytest

from service_kit.http import IfMatch, create_api
from service_kit.http.routes import Routes
from service_kit.service import Service
from service_kit.testing.callers import http_client
from service_kit.testing.platforms import PlatformFactory


async def test_ready_while_the_engines_answer(make_platform: PlatformFactory):
    """A running service is alive and ready; with its engines stopped it is alive and says which are not well."""
    platform = make_platform("tickets")
    api = create_api(platform, service="tickets", title="Tests", routers=[])
    service = Service(name="tickets", api=api, prefixes=())
    async with http_client(api) as http:
        async with make_platform.running((service, platform)):
            up = [await http.get(path) for path in ("/healthz", "/readyz")]
        down = [await http.get(path) for path in ("/healthz", "/readyz")]

    assert [answer.status_code for answer in up] == [200, 200]
    assert [answer.status_code for answer in down] == [200, 503]
    assert down[1].json()["code"] == "not_ready"
    assert set(down[1].json()["failing"]) == {"bus", "store"}


async def test_requests_are_counted_by_route_template(make_platform: PlatformFactory):
    """`/metrics` counts by template, method and status; nothing a caller makes up becomes a label."""
    router = Routes()

    @router.get("/tickets/{ticket_id}")
    async def read(ticket_id: str) -> str:
        return ticket_id

    api = create_api(make_platform("tickets"), service="tickets", title="Tests", routers=[router])
    async with http_client(api) as http:
        for ticket_id in ("tkt_1", "tkt_2"):
            await http.get(f"/tickets/{ticket_id}")
        await http.request("BREW", "/made-up")
        text = (await http.get("/metrics")).text

    labels = 'method="GET",route="/tickets/{ticket_id}",service="tickets"'
    assert f'deskbus_http_requests_total{{{labels},status="200"}} 2.0' in text
    assert f"deskbus_http_request_seconds_count{{{labels}}} 2.0" in text
    assert 'method="other",route="unmatched",service="tickets",status="404"' in text
    assert not [made_up for made_up in ("tkt_1", "BREW", "made-up") if made_up in text]


@pytest.mark.parametrize(
    ("header", "version"),
    [(None, None), ("7", 7), ('"7"', 7), (" 7 ", 7), ("*", None), ("0", 0)],
)
async def test_if_match_is_read_quoted_or_not(make_platform: PlatformFactory, header: str | None, version: int | None):
    """`If-Match` is one version in either notation; `*` and silence say none (L6)."""
    answer = await ask_version(make_platform, header)

    assert (answer.status_code, answer.json()) == (200, version)


@pytest.mark.parametrize("header", ["x", '"7', '7"', "-1", "1,2", 'W/"7"', "", "٣", "9" * 30])
async def test_if_match_that_is_no_version_is_refused(make_platform: PlatformFactory, header: str):
    """Anything else is a 400 and not taken for silence, which would drop the caller's guard."""
    answer = await ask_version(make_platform, header)

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_if_match")


async def ask_version(make_platform: PlatformFactory, header: str | None) -> httpx.Response:
    """What a route with `IfMatch` is given."""
    router = Routes()

    @router.put("/version")
    async def put(version: IfMatch) -> int | None:
        return version

    api = create_api(make_platform("tickets"), service="tickets", title="Tests", routers=[router])
    async with http_client(api) as http:
        headers = {} if header is None else {"If-Match": header.encode()}
        return await http.put("/version", headers=headers)
