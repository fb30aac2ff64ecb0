"""`deskbus check-config`: everything that is wrong, at once."""

import io
from collections.abc import Mapping

import pytest
from rich.console import Console

from deskbus.doctor.check_config import run_check_config
from deskbus.doctor.configuration import Fault, read_configuration
from deskbus.known_settings import known_settings, variables


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of ours, whatever the machine has."""
    for one in known_settings():
        for variable in variables(one):
            monkeypatch.delenv(variable.name, raising=False)


async def faults(monkeypatch: pytest.MonkeyPatch, given: Mapping[str, str], **options: bool) -> dict[str, Fault]:
    """What is wrong with an environment, by variable."""
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return {fault.variable: fault for fault in (await read_configuration(**options)).faults}


async def test_everything_that_is_wrong_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each variable of each service that does not fit is named, with what it takes and an example."""
    found = await faults(
        monkeypatch,
        {
            "DESKBUS_HTTP_PORT": "banana",
            "DESKBUS_SECRET_KEY": "hush",
            "NOTIFIER_RELAY_TIMEOUT_SECONDS": "0",
            "WEBCHAT_MESSAGES_PER_10_SECONDS": "many",
            "INGEST_SMS_QUARANTINE_PER_SOURCE": "-1",
        },
    )

    assert found.keys() == {
        "DESKBUS_HTTP_PORT",
        "DESKBUS_SECRET_KEY",
        "NOTIFIER_RELAY_TIMEOUT_SECONDS",
        "WEBCHAT_MESSAGES_PER_10_SECONDS",
        "INGEST_SMS_QUARANTINE_PER_SOURCE",
    }
    assert "a whole number of at least 1 and of at most 65535" in str(found["DESKBUS_HTTP_PORT"])
    assert "Example: DESKBUS_HTTP_PORT=8080" in str(found["DESKBUS_HTTP_PORT"])
    assert all(fault.is_fatal for fault in found.values())
    assert not [fault for fault in found.values() if "hush" in str(fault) or "banana" in str(fault)]


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("DESKBUS_BUS_URL", "kafka://desk:hush@host"),
        ("DESKBUS_BUS_URL", "amqp://desk:hush@host"),
        ("DESKBUS_STORE_URL", "mongodb://desk:hush@host:port/"),
        ("DESKBUS_STORE_URL", "sqlite:/hush"),
        ("DESKBUS_REDIS_URL", "redis://desk:hush@host:port"),
        ("DESKBUS_BLOBS_URL", "s3://desk:hush@bucket?secret=1"),
        ("DESKBUS_SMTP_RELAY_URL", "smtp://desk:hush@:25"),
        ("DESKBUS_PUBLIC_URL", "desk.example"),
        ("DESKBUS_TRUSTED_PROXIES", "10.0.0.1,proxy"),
    ],
)
async def test_a_url_that_no_engine_reads(monkeypatch: pytest.MonkeyPatch, name: str, url: str) -> None:
    """It is said with a URL that works, before anything connects, and never with its password (S2)."""
    [fault] = (await faults(monkeypatch, {name: url})).values()

    assert fault.variable == name
    assert f"Example: {name}=" in str(fault)
    assert "hush" not in str(fault)


@pytest.mark.parametrize(
    "url",
    [
        "kafka://one:9092",
        "redis://:hush@host:6379/0",
        "rediss://host:6380",
        "unix:///run/valkey.sock",
    ],
)
async def test_urls_of_buses_that_work(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Every scheme that there is passes."""

    assert await faults(monkeypatch, {"DESKBUS_BUS_URL": url}) == {}


async def test_a_variable_that_nobody_reads_is_a_typing_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """It stops nobody, and is told with what was probably meant."""
    found = await faults(monkeypatch, {"DESKBUS_HTPP_PORT": "9000", "DESKBUS_TEST_KAFKA_URL": "x"})

    assert found.keys() == {"DESKBUS_HTPP_PORT"}
    assert "DESKBUS_HTTP_PORT" in str(found["DESKBUS_HTPP_PORT"])
    assert not found["DESKBUS_HTPP_PORT"].is_fatal


async def test_production_needs_its_engines_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `deskbus run` would refuse is refused here, and only where it is asked for."""
    on_a_home = await faults(monkeypatch, {})
    in_production = await faults(monkeypatch, {}, for_production=True)

    assert on_a_home == {}
    assert "DESKBUS_STORE_URL" in str(in_production.popitem())


async def test_what_is_read_is_shown_of_every_service(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line for each setting of each service, and no password (S2)."""
    monkeypatch.setenv("DESKBUS_STORE_URL", "mongodb://desk:hush@host/")
    shown, told = io.StringIO(), io.StringIO()
    is_usable = await run_check_config(Console(file=shown), Console(file=told), for_production=False)
    names = {line.partition(" = ")[0] for line in shown.getvalue().splitlines()}

    assert is_usable
    assert names == {variable.name for one in known_settings() for variable in variables(one)}
    assert "hush" not in shown.getvalue() + told.getvalue()
