"""What the compose file leaves to choose, taken all at once: three brokers, and the profile `observability`."""

import asyncio
import json
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import httpx
import pytest
import pytest_asyncio
import yaml

from contracts.topics import TOPICS
from deploy.broker_view import Copies, copies_of
from deploy.collected_spans import collected_spans, that_came_of
from deploy.compose_drama import ComposeDrama, brought_up
from deploy.docker_engine import DockerEngine, NoDockerError
from deploy.images import ROOT, Images, with_engines, with_observers
from deploy.layout import THREE_BROKERS_OBSERVED
from deploy.settings import DeploySettings
from deskbus.composition import SERVICE_NAMES
from engines import wanting
from engines.errors import EnginesError
from service_kit.testing.eventually import eventually

pytestmark = [pytest.mark.deploy, pytest.mark.timeout(2400), pytest.mark.asyncio(loop_scope="module")]

_OBSERVERS = ("prometheus", "otel-collector")
_ON_ITS_WAY = {"deskbus-ingest-email", "deskbus-tickets", "deskbus-notifier"}
_INTERNAL = ("__consumer_offsets",)
_SCRAPED_SECONDS = 90
_IN_SYNC_SECONDS = 120


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def drama(
    docker: DockerEngine, image: Images, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[ComposeDrama]:
    """A system on three brokers, looked at."""
    settings = DeploySettings()
    engines = await asyncio.to_thread(with_engines, docker, settings, image)
    try:
        images = await asyncio.to_thread(with_observers, docker, settings, engines)
    except (NoDockerError, EnginesError) as error:
        pytest.skip(f"{wanting.reason('an OpenTelemetry Collector, an image or `go` to build it')}: {error}")
    also = _OBSERVERS if images.engines else (*_OBSERVERS, "grafana")
    folder = tmp_path_factory.mktemp("tls")
    async with brought_up(docker, images, folder, layout=THREE_BROKERS_OBSERVED, also=also) as played:
        yield played


async def _asked(drama: ComposeDrama, path: str) -> Any:
    async with httpx.AsyncClient(base_url=drama.system.prometheus_url) as http:
        answer = await http.get(path)
    assert answer.status_code == httpx.codes.OK, answer.text
    return answer.json()["data"]


async def test_every_topic_has_three_copies_and_wants_two(drama: ComposeDrama) -> None:
    """Ours, their dead letters and Kafka's own: one broker may go without a record being lost or refused."""
    dead = [topic.dead_letter_topic(group) for topic in TOPICS for group in topic.consumers]
    found = await copies_of(drama.system.bus_url, [*(topic.name for topic in TOPICS), *dead, *_INTERNAL])

    assert set(found) == {*(topic.name for topic in TOPICS), *dead, *_INTERNAL}
    assert set(found.values()) == {Copies(replicas=3, in_sync=3, needed=2)}


async def test_the_doctor_finds_all_well(drama: ComposeDrama) -> None:
    """Run in a container, it sees what the service sees: engines, copies of topics, clocks, room, the relay."""
    said = await asyncio.to_thread(drama.system.exec, "tickets", "deskbus", "doctor", "--json")
    findings = [json.loads(line) for line in said.splitlines()]

    assert [one for one in findings if one["state"] == "failed"] == []
    assert {"redis", "clock", "bus", "store", "blobs", "disk", "relay", "webhooks"} <= {
        one["check"] for one in findings
    }


async def test_a_message_is_traced_from_the_door_to_the_webhook(drama: ComposeDrama) -> None:
    """The collector of the profile gets, from several processes, what a mail led to, linked where in batches."""

    async def whole_traces() -> bool:
        log = await asyncio.to_thread(drama.system.compose, "logs", "--no-color", "otel-collector")
        spans = list(collected_spans(log))
        came_of_mails = [that_came_of(one, spans) for one in spans if one.name == "accept mail"]
        whole = [story for story in came_of_mails if "send webhook" in {one.name for one in story}]
        return any({one.service for one in story} >= _ON_ITS_WAY for story in whole)

    broken = await drama.play(lambda: drama.until_acknowledged(6))

    assert broken == []
    assert await eventually(whole_traces, _SCRAPED_SECONDS)


async def test_prometheus_reads_every_service(drama: ComposeDrama) -> None:
    """Each is found by its name, is up, and says that its engines answer."""

    async def all_up() -> bool:
        targets = (await _asked(drama, "/api/v1/targets?state=active"))["activeTargets"]
        up = sorted(one["labels"]["service"] for one in targets if one["health"] == "up")
        assert up == sorted(SERVICE_NAMES)
        ready = (await _asked(drama, "/api/v1/query?query=deskbus_ready==1"))["result"]
        return {(one["metric"]["service"], one["metric"]["part"]) for one in ready} >= {
            (service, part) for service in SERVICE_NAMES for part in ("bus", "store")
        }

    assert await eventually(all_up, _SCRAPED_SECONDS)


async def test_prometheus_has_our_rules(drama: ComposeDrama) -> None:
    """Every rule is loaded, can be evaluated on what the services export, and has nothing to say."""
    written = yaml.safe_load((ROOT / "deploy/prometheus/rules.yaml").read_text())["groups"]

    async def evaluated() -> list[dict[str, Any]]:
        groups = (await _asked(drama, "/api/v1/rules"))["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        assert {rule["health"] for rule in rules} == {"ok"}
        return rules

    rules = await eventually(evaluated, _SCRAPED_SECONDS)

    assert [rule["name"] for rule in rules] == [rule["alert"] for group in written for rule in group["rules"]]
    assert {rule["name"]: rule["state"] for rule in rules if rule["state"] == "firing"} == {}


async def test_nothing_is_lost_while_one_of_three_brokers_is_away(drama: ComposeDrama) -> None:
    """Each in turn is killed and stays away while customers are acknowledged; then its copies catch up (I2-I4, A6)."""
    names = [topic.name for topic in TOPICS]

    async def in_sync(copies: int) -> bool:
        found = await copies_of(drama.system.bus_url, names)
        return {one.in_sync for one in found.values()} == {copies}

    async def lose_each() -> None:
        for broker in THREE_BROKERS_OBSERVED.brokers:
            (container,) = await asyncio.to_thread(drama.system.containers, broker)
            await asyncio.to_thread(drama.system.lose, container)
            await drama.until_acknowledged(6)
            await eventually(partial(in_sync, 2), _IN_SYNC_SECONDS)
            await asyncio.to_thread(drama.system.bring_back, container)
            await asyncio.to_thread(drama.system.until_healthy)
            await eventually(partial(in_sync, 3), _IN_SYNC_SECONDS)

    assert await drama.play(lose_each) == []


async def test_a_service_that_is_gone_is_told_of(drama: ComposeDrama) -> None:
    """A container that stays away has no name any more, and is missed all the same: the alert waits for its minutes."""
    (container,) = await asyncio.to_thread(drama.system.containers, "reporting")
    await asyncio.to_thread(drama.system.lose, container)

    async def missed() -> bool:
        alerts = (await _asked(drama, "/api/v1/alerts"))["alerts"]
        named = {one["labels"]["alertname"] for one in alerts if one["labels"].get("service") == "reporting"}
        return bool(named & {"DeskbusDown", "DeskbusGone"})

    try:
        assert await eventually(missed, _SCRAPED_SECONDS)
    finally:
        await asyncio.to_thread(drama.system.bring_back, container)
        await asyncio.to_thread(drama.system.until_healthy)


async def test_grafana_has_our_dashboards(drama: ComposeDrama) -> None:
    """They are provisioned, each under its own address."""
    if "grafana" not in await asyncio.to_thread(drama.system.services):
        pytest.skip(wanting.reason("an image of Grafana, which nobody but its makers packages"))
    password = (await asyncio.to_thread(drama.system.exec, "grafana", "cat", "/run/secrets/password")).strip()
    async with httpx.AsyncClient(base_url=drama.system.grafana_url, auth=("admin", password)) as http:
        found = (await http.get("/api/search", params={"tag": "deskbus"})).json()

    assert {one["uid"] for one in found} == {path.stem for path in (ROOT / "deploy/grafana").glob("*.json")}
