import httpx
import pytest
from fastapi import Depends

from service_kit.http.address_limit import AddressLimit, subject_of
from service_kit.http.api import create_api
from service_kit.http.routes import Routes
from service_kit.testing.platforms import PlatformFactory


async def test_an_address_that_asks_too_often_waits(make_platform: PlatformFactory):
    """Beyond the limit a door that is open to all answers 429 with when to come back, and only to that address."""
    platform = make_platform("tickets")
    router = Routes()

    @router.get("/open", dependencies=[Depends(AddressLimit("open", most=2, seconds=60))])
    async def open_to_all() -> str:
        return "in"

    app = create_api(platform, service="tickets", title="T", routers=[router])
    statuses = []
    for client in ("192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2"):
        transport = httpx.ASGITransport(app, client=(client, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://desk") as http:
            answer = await http.get("/open")
        statuses.append((answer.status_code, answer.headers.get("retry-after")))

    assert statuses == [(200, None), (200, None), (429, "60"), (200, None)]


@pytest.mark.parametrize(
    ("address", "subject"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("nobody", "unknown"),
        (None, "unknown"),
    ],
)
def test_whom_an_address_stands_for(address: str | None, subject: str):
    """The addresses of one IPv6 subscriber count as one, or there would be no limit."""

    assert subject_of(address) == subject
