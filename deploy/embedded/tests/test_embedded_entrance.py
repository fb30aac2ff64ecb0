import httpx
import pytest
from fastapi import FastAPI

from deskbus.entrance import Entrance


@pytest.fixture
def entrance() -> Entrance:
    """Of a service that has not started."""
    return Entrance("router")


def application() -> FastAPI:
    """A service that is ready and has one route."""
    app = FastAPI()
    app.add_api_route("/readyz", lambda: "ready")
    app.add_api_route("/v1/teams", lambda: "teams")
    return app


async def ask(entrance: Entrance, *paths: str) -> list[httpx.Response]:
    """The answers at these paths."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(entrance), base_url="http://entrance") as http:
        return [await http.get(path) for path in paths]


async def test_a_process_that_waits_is_alive_and_says_for_what(entrance: Entrance) -> None:
    """`/readyz` names what is awaited; the rest asks to come back."""
    entrance.wait_for("the bus")
    alive, ready, route = await ask(entrance, "/healthz", "/readyz", "/v1/teams")

    assert (alive.status_code, alive.json()) == (200, {"status": "ok", "service": "router"})
    assert (ready.status_code, ready.json()["code"], ready.json()["waiting_for"]) == (503, "not_ready", "the bus")
    assert (route.status_code, route.json()["code"], route.headers["Retry-After"]) == (503, "starting", "2")


async def test_readiness_is_false_before_doors_close(entrance: Entrance) -> None:
    """A process that is about to stop says so to its load balancer, and still answers everybody else."""
    entrance.open(application())
    before = await ask(entrance, "/readyz", "/v1/teams")
    entrance.leave()
    ready, route = await ask(entrance, "/readyz", "/v1/teams")

    assert [answer.status_code for answer in before] == [200, 200]
    assert (ready.status_code, ready.json()["code"]) == (503, "not_ready")
    assert route.status_code == 200
