"""The documents of all services from one page, wherever it is asked for."""

import re
from collections.abc import Sequence

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import ASGIApp

from deskbus.composition import SERVICE_NAMES
from deskbus.documents import create_documents, openapi_path
from deskbus.public_routes import FALLBACK, public_routes
from deskbus.service_site import ServiceSite
from service_kit.service import Service


def service(name: str) -> Service:
    """A service with one route of its own."""
    api = FastAPI(title=f"Deskbus: {name}")
    api.get(f"/v1/{name}")(lambda: name)
    return Service(name=name, api=api, prefixes=(f"/v1/{name}",))


SERVICES = [service(name) for name in SERVICE_NAMES]


def http(application: ASGIApp) -> httpx.AsyncClient:
    """A client of an application."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=application), base_url="http://desk.test")


def shown_by(page: str) -> str:
    """The document that a page shows."""
    [url] = re.findall(r"url: '([^']+)'", page)
    return str(url)


async def documents(application: ASGIApp, paths: Sequence[str]) -> dict[str, list[str]]:
    """The paths that each document describes."""
    async with http(application) as client:
        return {path: list((await client.get(path)).json()["paths"]) for path in paths}


async def test_one_page_leads_to_the_document_of_every_service() -> None:
    """The page shows everything that answers here, and each service by itself, from the same origin only."""
    whole = create_documents(SERVICES, title="Deskbus API", version="1", url="http://x", listed=SERVICE_NAMES)
    async with http(whole) as client:
        page = (await client.get("/docs")).text
        links = re.findall(r'href="(/docs\?service=[^"]+)"', page)
        shown = {link: shown_by((await client.get(link)).text) for link in links}
        nobody = await client.get("/docs", params={"service": "nobody"})
        nothing = await client.get("/openapi/nobody.json")
    described = await documents(whole, ["/openapi.json", *shown.values()])

    assert shown == {f"/docs?service={name}": f"/openapi/{name}.json" for name in SERVICE_NAMES}
    assert shown_by(page) == "/openapi.json"
    assert described["/openapi.json"] == [f"/v1/{name}" for name in SERVICE_NAMES]
    assert {path: described[path] for path in shown.values()} == {
        openapi_path(name): [f"/v1/{name}"] for name in SERVICE_NAMES
    }
    assert [(answer.status_code, answer.json()["code"]) for answer in (nobody, nothing)] == [(404, "not_found")] * 2


@pytest.mark.parametrize("one", SERVICES, ids=lambda one: one.name)
async def test_a_service_by_itself_answers_for_its_own_document(one: Service) -> None:
    """In a process of its own it has the same addresses; the one that answers `/docs` for all leads to the others."""
    site = ServiceSite(one, version="1", url="http://x")
    async with http(site) as client:
        page = (await client.get("/docs")).text
    described = await documents(site, ["/openapi.json", openapi_path(one.name)])
    leads_to = re.findall(r"/docs\?service=([a-z-]+)", page)

    assert described == {path: [f"/v1/{one.name}"] for path in described}
    assert leads_to == (list(SERVICE_NAMES) if one.name == FALLBACK else [])


def test_a_proxy_sends_each_document_to_its_service() -> None:
    """What the page names is a route of its own: nobody else can answer for it."""
    routes = public_routes(SERVICES)
    owners = {
        name: next(route.service for route in routes if re.match(route.pattern, openapi_path(name)))
        for name in SERVICE_NAMES
    }

    assert owners == {name: name for name in SERVICE_NAMES}
