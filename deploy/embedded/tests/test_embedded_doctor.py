"""`deskbus doctor`: what is wrong, and what to do."""

import asyncio
import io
import json
import ssl
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from rich.console import Console

from contracts.settings import SmsSettings
from deskbus.doctor.certificates import Endpoint, endpoints, lasting, look_at_file, look_at_peers
from deskbus.doctor.examination import examine, run_doctor
from deskbus.doctor.finding import Finding
from deskbus.doctor.machines import clock_finding, disk_finding
from deskbus.production import production_engines
from service_kit.clock import SystemClock
from service_kit.settings import PlatformSettings
from service_kit.settings_area import SettingsArea
from service_kit.testing.certificate import write_certificate
from service_kit.testing.manual_clock import ManualClock
from service_kit.testing.platforms import PlatformFactory

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
GIB = 1024**3


def settings_on(folder: Path, valkey_url: str, **given: Any) -> PlatformSettings:
    """A system of processes on one machine."""
    named = {
        "bus_url": valkey_url,
        "redis_url": valkey_url,
        "store_url": f"sqlite:///{folder / 'store'}",
        "blobs_url": f"file://{folder / 'blobs'}",
        "secret_key": SecretStr("k" * 32),
        "minimum_free_bytes": 0,
    }
    return PlatformSettings(**{**named, **given})


async def by_check(settings: PlatformSettings) -> dict[str, list[Finding]]:
    """What is found, by what was looked at."""
    found = defaultdict(list)
    for finding in await examine(settings, SystemClock(), ready_seconds=0.3):
        found[finding.check].append(finding)
    return found


def states(findings: list[Finding]) -> set[str]:
    """How it is with them."""
    return {finding.state for finding in findings}


async def test_a_system_before_and_after_init(make_platform: PlatformFactory, valkey_url: str, tmp_path: Path) -> None:
    """What `deskbus init` makes is missing before, each with what to do, and nothing is wrong afterwards."""
    settings = settings_on(tmp_path, valkey_url)
    before = await by_check(settings)
    async with production_engines(settings, ["tickets"]) as engines:
        bus = engines.platform_of("tickets").bus
        await bus.provision()
        await bus.stop()
    after = await by_check(settings)

    assert states(before["bus"]) == {"failed"}
    assert any("inbound-messages-v1 has no group tickets" in finding.says for finding in before["bus"])
    assert all("deskbus init" in finding.do for finding in before["bus"])
    assert {check: states(found) for check, found in before.items() if check != "bus"} == {
        "redis": {"ok"},
        "clock": {"ok"},
        "store": {"ok"},
        "blobs": {"ok"},
        "disk": {"ok"},
        "secret key": {"ok"},
        "webhooks": {"ok"},
        "relay": {"warning"},
    }
    assert states(after["bus"]) == {"ok"}


async def test_a_key_that_opens_nothing(make_platform: PlatformFactory, valkey_url: str, tmp_path: Path) -> None:
    """Secrets that were encrypted with another key are found before anybody needs them."""
    written = settings_on(tmp_path, valkey_url)
    async with production_engines(written, ["ingest-sms"]) as engines:
        platform = engines.platform_of("ingest-sms")
        area = SettingsArea(platform, "sms", SmsSettings)
        await platform.store.start()
        await platform.bus.start()
        numbers = {"+12025550123": {"provider": "twilio", "account_sid": "AC1", "auth_tokens": ["hush"]}}
        await area.replace("acc_1", SmsSettings.model_validate({"numbers": numbers}))
        await platform.bus.stop()
        await platform.store.stop()
    found = await by_check(settings_on(tmp_path, valkey_url, secret_key=SecretStr("x" * 32)))
    [failed] = [finding for finding in found["secret key"] if finding.state == "failed"]

    assert "`sms`" in failed.says
    assert "after a comma" in failed.do


async def test_engines_that_are_away(tmp_path: Path) -> None:
    """Each that does not answer is said once, with its setting, and without the password."""
    (tmp_path / "file").touch()
    store_url = f"sqlite:///{tmp_path / 'file' / 'store'}"
    found = await by_check(settings_on(tmp_path, "redis://:hush@127.0.0.1:1", store_url=store_url))

    assert {check: len(found[check]) for check in ("redis", "bus", "store")} == {"redis": 1, "bus": 1, "store": 1}
    assert "DESKBUS_BUS_URL" in found["bus"][0].do
    assert "DESKBUS_STORE_URL" in found["store"][0].do
    assert "hush" not in str(found)


async def test_a_home_on_which_nothing_runs(tmp_path: Path) -> None:
    """The doctor says how to start it, and makes no home."""
    found = await examine(PlatformSettings(home=tmp_path / "home"), ManualClock(NOW))

    assert [(finding.check, finding.state) for finding in found] == [("home", "failed")]
    assert "deskbus up" in found[0].says
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("given", "code", "check"),
    [({}, 1, "home"), ({"DESKBUS_HTTP_PORT": "many"}, 2, "settings")],
    ids=["unwell", "unusable"],
)
async def test_the_exit_code_says_how_bad_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: dict[str, str], code: int, check: str
) -> None:
    """1 where something is wrong, 2 where no process would start; with `--json` each finding is an object a line."""
    for name in ("DESKBUS_BUS_URL", "DESKBUS_STORE_URL", "DESKBUS_REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    shown = io.StringIO()
    ended = await run_doctor(Console(file=shown), home=tmp_path / "home", as_json=True)
    findings = [json.loads(line) for line in shown.getvalue().splitlines()]

    assert ended == code
    assert [one["check"] for one in findings if one["state"] == "failed"] == [check]
    assert findings[0].keys() == {"check", "state", "says", "do"}


@pytest.mark.parametrize(
    ("finding", "state"),
    [
        (clock_finding("Redis", 0.4), "ok"),
        (clock_finding("Redis", -7), "failed"),
        (disk_finding(Path("/x"), 9 * GIB, GIB // 2), "ok"),
        (disk_finding(Path("/x"), 2 * GIB, GIB // 2), "warning"),
        (disk_finding(Path("/x"), GIB // 4, GIB // 2), "failed"),
        (lasting("x", NOW + timedelta(days=15), NOW), "ok"),
        (lasting("x", NOW + timedelta(days=13), NOW), "warning"),
        (lasting("x", NOW, NOW), "failed"),
    ],
)
def test_what_figures_mean(finding: Finding, state: str) -> None:
    """Clocks, room and certificates have limits, and whatever is not well says what to do."""

    assert finding.state == state
    assert bool(finding.do) == (state != "ok")


def test_who_shows_a_certificate() -> None:
    """Peers with TLS are found in the URLs; those without are left alone."""
    settings = PlatformSettings(
        bus_url="kafka://u:p@one:9094,two:9095",
        store_url="mongodb://u:p@db/?tls=true",
        redis_url="redis://cache",
        public_url="https://desk.example",
        smtp_relay_url="smtps://relay",
    )
    found = [(one.setting, one.host, one.port) for one in endpoints(settings)]

    assert found == [
        ("DESKBUS_BUS_URL", "one", 9094),
        ("DESKBUS_BUS_URL", "two", 9095),
        ("DESKBUS_STORE_URL", "db", 27017),
        ("DESKBUS_PUBLIC_URL", "desk.example", 443),
        ("DESKBUS_SMTP_RELAY_URL", "relay", 465),
    ]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One that ran out an hour before noon, with its key."""
    return write_certificate(tmp_path_factory.mktemp("certificate"), until=NOW - timedelta(hours=1)).with_key


async def test_a_certificate_that_has_run_out_is_read_off_its_peer(certificate: Path) -> None:
    """Though nobody would trust it: that is the finding."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    async with server:
        port = server.sockets[0].getsockname()[1]
        shown, nothing = await look_at_peers([Endpoint("A", "127.0.0.1", port), Endpoint("B", "127.0.0.1", 1)], NOW)

    assert (shown.state, nothing.state) == ("failed", "warning")
    assert "2026-11-22" in shown.says


def test_a_certificate_of_our_own(certificate: Path, tmp_path: Path) -> None:
    """The file is read as the door reads it; one that is none is a failure."""
    (tmp_path / "empty.pem").touch()

    assert look_at_file("X", certificate, NOW).state == "failed"
    assert look_at_file("X", certificate, NOW - timedelta(hours=2)).state == "warning"
    assert "no certificate in it" in look_at_file("X", tmp_path / "empty.pem", NOW).says
