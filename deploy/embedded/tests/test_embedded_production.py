import asyncio
import re
import shutil
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from deskbus.composition import SERVICE_NAMES
from deskbus.engines import database_of
from deskbus.local_disks import LocalDisks
from deskbus.masked_urls import masked
from deskbus.production import production_engines, require_production
from deskbus.public_routes import FALLBACK, Route
from deskbus.routes import caddy_fragment, known_routes
from service_kit.admission import StorageFull
from service_kit.errors import DeskbusError
from service_kit.settings import PlatformSettings


@pytest.fixture(scope="module")
def routes() -> list[Route]:
    """Of all services."""
    return asyncio.run(known_routes())


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://:pw@host:6379/0", "redis://:***@host:6379/0"),
        (
            "kafka://ada:p%40w@one:9092,two:9092?security=SASL_SSL",
            "kafka://ada:***@one:9092,two:9092?security=SASL_SSL",
        ),
        ("mongodb://ada:p:w@a,b/?replicaSet=rs0", "mongodb://ada:***@a,b/?replicaSet=rs0"),
        (
            "s3://bucket/prefix?region=x&secret_access_key=abc&z=1",
            "s3://bucket/prefix?region=x&secret_access_key=***&z=1",
        ),
        ("s3://key:se/c?r@et@bucket/prefix", "s3://key:***@bucket/prefix"),
        ("sqlite:////srv/deskbus", "sqlite:////srv/deskbus"),
        ("smtp://relay:25", "smtp://relay:25"),
        ("", ""),
    ],
)
def test_urls_are_shown_without_their_secrets(url: str, shown: str) -> None:
    """Whoever reads `check-config` learns where the engines are, and no password (S2)."""
    assert masked(url) == shown


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/v1/tickets", "tickets"),
        ("/v1/tickets/tkt_1/messages", "tickets"),
        ("/v1/tickets/tkt_1/decisions", "router"),
        ("/v1/tickets/tkt_1/decisionsx", "tickets"),
        ("/v1/agents/me/availability", "router"),
        ("/v1/settings/sms", "ingest-sms"),
        ("/v1/chat/ws", "webchat-gateway"),
        ("/widget.js", "webchat-gateway"),
        ("/widgetxjs", FALLBACK),
        ("/s/abc", "notifier"),
        ("/schemas/x.json", FALLBACK),
        ("/v1/settings", FALLBACK),
        ("/", FALLBACK),
    ],
)
def test_the_first_pattern_that_fits_names_the_owner(routes: list[Route], path: str, service: str) -> None:
    """A proxy that tries the routes in order sends every path where the one origin would."""
    owner = next((route.service for route in routes if re.match(route.pattern, path)), FALLBACK)

    assert owner == service


def test_the_caddyfile_has_every_route_in_order(routes: list[Route]) -> None:
    """A matcher and a handler for each route, metrics kept inside, and what is left goes to one service."""
    fragment = caddy_fragment(routes)

    assert re.findall(r"path_regexp (\S+)", fragment) == [route.pattern for route in routes]
    assert re.findall(r"reverse_proxy ([a-z-]+):", fragment) == [*(route.service for route in routes), FALLBACK]
    assert {route.service for route in routes} == set(SERVICE_NAMES)
    assert "@internal path /metrics /readyz" in fragment
    assert fragment.count("{") == fragment.count("}")


def test_a_key_that_can_be_guessed_is_refused() -> None:
    """Wherever it is read, before anything is encrypted with it."""
    with pytest.raises(ValidationError, match="at least 16 characters"):
        PlatformSettings(secret_key=SecretStr("short"))


def production_settings(**urls: str) -> PlatformSettings:
    """Engines of production where nobody listens."""
    return PlatformSettings(
        **{
            "bus_url": "kafka://127.0.0.1:1",
            "store_url": "mongodb://127.0.0.1:1/",
            "redis_url": "redis://127.0.0.1:1",
            "blobs_url": "s3://bucket/deskbus?region=eu-west-1",
            **urls,
        },
        secret_key=SecretStr("k" * 32),
    )


async def test_engines_are_chosen_by_url() -> None:
    """Kafka, MongoDB and S3 where the URLs say so, each service in a database of its own; nothing connects."""
    settings = production_settings()
    require_production(settings)
    async with production_engines(settings, ["ingest-email"]) as engines:
        platform = engines.platform_of("ingest-email")
        await platform.bus.stop()
        await platform.store.stop()
    kinds = [type(part).__name__ for part in (platform.bus, platform.store, platform.blobs)]

    assert kinds == ["KafkaBus", "MongoDocStore", "S3Blobs"]
    assert database_of("ingest-email") == "deskbus_ingest_email"
    platform.admission.check()


@pytest.mark.parametrize(
    ("setting", "url"),
    [
        ("bus_url", "amqp://host"),
        ("bus_url", "kafka://host"),
        ("redis_url", "host:1"),
        ("store_url", "postgres://host"),
        ("blobs_url", "ftp://host/x"),
    ],
)
async def test_an_engine_that_there_is_not_is_refused(setting: str, url: str) -> None:
    """One sentence names the setting and what can be used instead, before anything connects."""
    with pytest.raises(DeskbusError, match=f"DESKBUS_{setting.upper()}"):
        async with production_engines(production_settings(**{setting: url}), ["reporting"]) as engines:
            engines.platform_of("reporting")


def test_every_folder_that_is_written_to_is_watched(tmp_path: Path) -> None:
    """One disk with too little room closes the doors; a folder that is not there yet is made."""
    roomy, full = tmp_path / "roomy", tmp_path / "full"
    LocalDisks([roomy], 0).check()
    beyond = shutil.disk_usage(tmp_path).total * 2

    assert roomy.is_dir()
    with pytest.raises(StorageFull):
        LocalDisks([roomy, full], beyond).check()


def test_a_folder_that_cannot_be_made_closes_the_doors(tmp_path: Path) -> None:
    """Work is refused while it could not be kept."""
    (tmp_path / "file").touch()

    with pytest.raises(StorageFull, match="cannot be made"):
        LocalDisks([tmp_path / "file" / "store"], 0).check()
