from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from prometheus_client import CollectorRegistry
from pydantic import BaseModel, SecretStr
from redis.asyncio import Redis

from deskbus.composition import SERVICE_NAMES, compose
from deskbus.engines import Engines
from deskbus.origin import Origin, merged_openapi
from service_kit.admission import DiskAdmission
from service_kit.service import Service
from service_kit.settings import PlatformSettings


def echoing(name: str) -> FastAPI:
    """An application that answers everything with its name and the path it saw."""
    app = FastAPI(openapi_url=None)

    @app.api_route("/{path:path}", methods=["GET", "POST"])
    async def echo(request: Request) -> list[str]:
        return [name, request.scope["path"]]

    return app


def service(name: str, *prefixes: str, api: FastAPI | None = None) -> Service:
    """A service that answers below its prefixes."""
    return Service(name=name, api=api or echoing(name), prefixes=prefixes)


ORIGIN = Origin(
    [
        service("tickets", "/v1/tickets", "/v1/agents"),
        service("router", "/v1/tickets/{ticket_id}/decisions", "/v1/agents/{agent_id}/availability", "/v1/queue"),
        service("notifier", "/s"),
    ],
    echoing("own"),
)


@pytest.mark.parametrize(
    ("path", "owner"),
    [
        ("/v1/tickets", "tickets"),
        ("/v1/tickets/", "tickets"),
        ("/v1/tickets/tic_1", "tickets"),
        ("/v1/tickets/tic_1/decisions", "router"),
        ("/v1/tickets/tic_1/decisions/more", "router"),
        ("/v1/tickets/tic_1/decision", "tickets"),
        ("/v1/tickets/decisions", "tickets"),
        ("/v1/agents/me", "tickets"),
        ("/v1/agents/me/availability", "router"),
        ("/v1/queue", "router"),
        ("/v1/queues", "own"),
        ("/v1/ticketsx", "own"),
        ("/s/abc", "notifier"),
        ("/sabc", "own"),
        ("/", "own"),
        ("/v1", "own"),
        ("/healthz", "own"),
    ],
)
async def test_a_path_goes_to_the_longest_prefix_that_fits(path: str, owner: str) -> None:
    """Whole segments count, a segment in braces stands for any, and the owner sees the path as it was asked for."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=ORIGIN), base_url="http://desk.test") as http:
        answer = await http.get(path)

    assert answer.json() == [owner, path]


def documented(*schemas: type[BaseModel], path: str) -> FastAPI:
    """An application whose document has these schemas, each answered below a path."""
    app = FastAPI()
    for schema in schemas:
        app.get(f"{path}/{schema.__name__}", response_model=schema)(lambda: None)
    return app


def shapes(part_type: type) -> tuple[type[BaseModel], type[BaseModel]]:
    """Two schemas that read the same in every service, but for what the inner one holds."""
    part = type("Part", (BaseModel,), {"__annotations__": {"value": part_type}})
    whole = type("Whole", (BaseModel,), {"__annotations__": {"part": part}})
    return part, whole


def resolved(document: Any, reference: str) -> Any:
    """What a reference of the document points to."""
    return document["components"]["schemas"][reference.removeprefix("#/components/schemas/")]


def answer_of(document: Any, path: str) -> Any:
    """The schema of a path's answer."""
    return document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]


def test_schemas_that_share_a_name_stay_apart() -> None:
    """Where two services mean different things by one name, each path still refers to its own, all the way down."""
    one = service("one", "/one", api=documented(*shapes(int), path="/one"))
    two = service("two-b", "/two", api=documented(*shapes(str), path="/two"))
    document = merged_openapi([one, two], title="T", version="1", url="http://x")
    parts = {
        path: resolved(document, resolved(document, answer_of(document, path)["$ref"])["properties"]["part"]["$ref"])
        for path in ("/one/Whole", "/two/Whole")
    }

    assert {path: part["properties"]["value"]["type"] for path, part in parts.items()} == {
        "/one/Whole": "integer",
        "/two/Whole": "string",
    }
    assert {"Part", "Whole", "two_b_Part", "two_b_Whole"} <= document["components"]["schemas"].keys()


def test_schemas_that_are_the_same_are_there_once() -> None:
    """A shape that services share keeps its name."""
    services = [service(name, f"/{name}", api=documented(*shapes(int), path=f"/{name}")) for name in ("one", "two")]
    document = merged_openapi(services, title="T", version="1", url="http://x")

    assert {"Part", "Whole"} <= document["components"]["schemas"].keys()
    assert not [name for name in document["components"]["schemas"] if name.startswith(("one_", "two_"))]
    assert set(document["paths"]) == {"/one/Part", "/one/Whole", "/two/Part", "/two/Whole"}


async def test_the_real_document_has_every_operation_of_every_service(tmp_path: Path) -> None:
    """Merging all seven services loses nothing, and every operation is reached at the service that documents it."""
    redis = Redis.from_url("redis://127.0.0.1:1")
    settings = PlatformSettings(secret_key=SecretStr("k" * 32), home=tmp_path)
    registries = {name: CollectorRegistry() for name in SERVICE_NAMES}
    engines = Engines(settings, redis, "redis://127.0.0.1:1", DiskAdmission(tmp_path, 0), registries)
    services = [one for one, _ in compose(engines)]
    await redis.aclose()
    document = merged_openapi(services, title="Deskbus", version="1", url="http://x")
    own = echoing("own")
    origin = Origin(services, own)
    paths = {(one.name, path): item for one in services for path, item in one.api.openapi()["paths"].items()}

    assert len(services) == 7
    assert len(document["paths"]) == len(paths)
    assert all(document["paths"][path].keys() == item.keys() for (_, path), item in paths.items())
    assert not [path for (name, path) in paths if origin._owner_of(path) is not {s.name: s.api for s in services}[name]]
