"""The HTTP of all seven services under generated requests, good and bad ones, as their OpenAPI documents describe."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from contracts.ids import derive_id, new_id
from contracts.inbound import InboundMessageReceived, SmsDetails
from contracts.people import Party
from deskbus.composition import SERVICE_NAMES, compose
from deskbus.engines import Engines
from deskbus.local_disks import LocalDisks
from deskbus.redis_engine import open_redis
from service_kit.http.problems import MEDIA_TYPE
from service_kit.lifecycle import run_services
from service_kit.platform import Platform
from service_kit.service import Service
from service_kit.settings import PlatformSettings
from service_kit.testing.callers import sign_in
from service_kit.testing.eventually import eventually
from tickets.people.account_workflow import NewAccount
from tickets.people_app import create_account


def documented_problem(context: Any, response: Any, case: Any) -> None:
    """A problem is one that the document names for this operation and status."""
    if MEDIA_TYPE not in str(response.headers.get("content-type", "")):
        return
    answers = case.operation.definition.raw["responses"]
    content = answers.get(str(response.status_code), {}).get("content", {})
    code, known = response.json()["code"], content.get(MEDIA_TYPE, {}).get("examples", {})
    if code not in known:
        raise AssertionError(f"{response.status_code} {code} is not among the documented {sorted(known)}")


CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    documented_problem,
]
EXAMPLES = {GenerationMode.POSITIVE: 3, GenerationMode.NEGATIVE: 3}
ENDLESS = "text/event-stream"
"""Streams end when their reader leaves; they have tests of their own."""

ORIGIN = "http://deskbus.test"
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
_OF_REQUESTS = ("method", "url", "headers", "params", "data", "json", "files", "cookies")

FURNITURE: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    ("router", "/v1/teams", "team_id", {"name": "Billing"}),
    ("router", "/v1/schedules", "schedule_id", {"name": "Days", "zone": "UTC"}),
    ("notifier", "/v1/webhooks", "webhook_id", {"url": "https://hooks.example/in", "events": ["support.ticket.*"]}),
)
"""Who has it, where it is made, what routes call its id, and of what."""


@dataclass
class System:
    """All services in this process, without doors to the outside and without what sends.

    `known` are ids of things that are there, by the name that routes give them.
    """

    runner: asyncio.Runner
    services: dict[str, Service]
    platforms: dict[str, Platform]
    account_id: str
    agent_id: str
    known: dict[str, str] = field(default_factory=dict)
    statuses: Counter[int] = field(default_factory=Counter)

    def ask(self, service: str, case: Any) -> httpx.Response:
        """Send a generated request."""
        given = case.as_transport_kwargs(base_url=ORIGIN)
        prepared = requests.Request(**{name: given[name] for name in _OF_REQUESTS if name in given}).prepare()
        headers = [(name, value) for name, value in prepared.headers.items() if name.lower() != "authorization"]
        response = self.runner.run(
            self.send(service, str(prepared.method), str(prepared.url), headers=headers, content=prepared.body)
        )
        self.statuses[response.status_code] += 1
        return response

    async def send(
        self, service: str, method: str, path: str, *, headers: Sequence[tuple[str, str]] = (), **given: Any
    ) -> httpx.Response:
        """A request in a fresh session of the owner: some requests end sessions."""
        session = await sign_in(
            self.platforms["tickets"], account_id=self.account_id, agent_id=self.agent_id, role="owner"
        )
        transport = httpx.ASGITransport(app=self.services[service].api, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as http:
            return await http.request(method, path, headers=[*headers, *session.items()], **given)

    async def furnish(self) -> None:
        """Make one of each thing, so that not every id leads nowhere."""
        event = InboundMessageReceived(
            id=new_id("dlv"),
            account_id=self.account_id,
            time=NOON,
            message_id=derive_id("msg", self.account_id, "SM1"),
            provider_message_id="SM1",
            channel="sms",
            contact_key="+33612345678",
            recipient="+12025550123",
            sender=Party(phone="+33612345678"),
            sms=SmsDetails(number="+12025550123"),
            text="Hello",
            received_at=NOON,
        )
        await self.platforms["ingest-sms"].bus.publish([event])
        ticket = await eventually(self._first_ticket, seconds=30)
        self.known |= {"ticket_id": ticket["id"], "contact_id": ticket["contact"]["id"], "message_id": event.message_id}
        for service, path, name, body in FURNITURE:
            answer = await self.send(service, "POST", path, json=body)
            assert answer.status_code == httpx.codes.CREATED, answer.text
            self.known[name] = answer.json()["id"]

    async def _first_ticket(self) -> dict[str, Any] | None:
        items = (await self.send("tickets", "GET", "/v1/tickets")).json()["items"]
        return items[0] if items else None


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory, valkey_url: str) -> Iterator[System]:
    """One system for all these tests."""
    with asyncio.Runner() as runner:
        running = _running(tmp_path_factory.mktemp("fuzzed"), valkey_url, runner)
        system = runner.run(anext(running))
        yield system
        runner.run(running.aclose())


async def _running(home: Path, valkey_url: str, runner: asyncio.Runner) -> AsyncGenerator[System, None]:
    engines = {"bus_url": "", "store_url": "", "blobs_url": "", "secret_key": SecretStr("-" * 16)}
    options = PlatformSettings().model_copy(update={"home": home, **engines})
    registries = {name: CollectorRegistry() for name in SERVICE_NAMES}
    redis = open_redis(valkey_url)
    await redis.flushall()
    composed = compose(Engines(options, redis, valkey_url, LocalDisks([], 0), registries))
    quiet = [(_quiet(service), platform) for service, platform in composed]
    platforms = {service.name: platform for service, platform in quiet}
    try:
        async with run_services(quiet):
            owner = {"owner_name": "Oscar", "email": "oscar@acme.example", "password": "correct horse battery"}
            created = await create_account(platforms["tickets"], NewAccount(name="Acme", **owner))
            services = {service.name: service for service, _ in quiet}
            system = System(runner, services, platforms, created.account_id, created.agent_id)
            await system.furnish()
            yield system
    finally:
        await redis.aclose()


def _quiet(service: Service) -> Service:
    """The service without what listens or sends; of tickets, workers are a part of what its routes do."""
    return replace(service, doors=(), workers=service.workers if service.name == "tickets" else ())


def flaws(system: System, name: str) -> Iterator[str]:
    """What one service answers otherwise than it says; what takes things away comes last."""
    schema = schemathesis.openapi.from_dict(system.services[name].api.openapi())
    operations = [result.ok() for result in schema.get_all_operations()]
    for operation in sorted(operations, key=lambda one: (one.method == "delete", "erase" in one.path)):
        answers = operation.definition.raw["responses"].values()
        if not any(ENDLESS in answer.get("content", {}) for answer in answers):
            for mode, most in EXAMPLES.items():
                yield from _flaws_of(system, name, operation, mode, most)


def _flaws_of(system: System, name: str, operation: Any, mode: GenerationMode, most: int) -> list[str]:
    found: dict[str, str] = {}
    wanted = {parameter.name for parameter in operation.path_parameters}
    known = {key: value for key, value in system.known.items() if key in wanted} or None
    strategy = operation.as_strategy(
        generation_mode=mode, path_parameters=known if mode is GenerationMode.POSITIVE else None
    )

    @settings(
        max_examples=most,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy)
    def judge(case: Any) -> None:
        response = system.ask(name, case)
        try:
            case.validate_response(response, checks=CHECKS)
        except (Failure, FailureGroup) as failure:
            for one in failure.exceptions if isinstance(failure, FailureGroup) else (failure,):
                found.setdefault(type(one).__name__, str(one))

    try:
        judge()
    except Unsatisfiable:
        return []
    return [f"{name} {operation.label} [{mode.name}] {kind}: {text}" for kind, text in found.items()]


def test_a_problem_that_nobody_documents_is_found() -> None:
    """The check above sees a code that the operation's own answers do not name."""
    known: dict[str, Any] = {"409": {"content": {MEDIA_TYPE: {"examples": {"known": {}}}}}}
    case = SimpleNamespace(operation=SimpleNamespace(definition=SimpleNamespace(raw={"responses": known})))

    def answer(code: str) -> SimpleNamespace:
        return SimpleNamespace(status_code=409, headers={"content-type": [MEDIA_TYPE]}, json=lambda: {"code": code})

    documented_problem(None, answer("known"), case)
    with pytest.raises(AssertionError, match="unheard_of"):
        documented_problem(None, answer("unheard_of"), case)


@pytest.mark.laws
@pytest.mark.parametrize("name", SERVICE_NAMES)
@pytest.mark.timeout(240)
def test_every_answer_is_a_documented_one(system: System, name: str) -> None:
    """No generated request, valid or not, meets a fault, or an answer that the document does not have (E1)."""
    system.statuses.clear()
    found = list(flaws(system, name))

    assert found == []
    assert system.statuses.total() > 0
