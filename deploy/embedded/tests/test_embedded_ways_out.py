"""The ways out that `deskbus doctor` looks at: the mail relay, and the servers that webhooks go to."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult
from pydantic import SecretStr

from contracts.settings import NotificationSettings
from deskbus.doctor.finding import Finding
from deskbus.doctor.relay import look_at_relay
from deskbus.doctor.webhooks import look_at_webhooks, webhook_findings
from deskbus.production import production_engines
from notifier.webhook_model import Webhook
from notifier.webhook_store import WebhookStore
from service_kit.settings import PlatformSettings
from service_kit.settings_area import SettingsArea
from service_kit.testing.certificate import write_certificate

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class _Relay:
    """Takes mail of whoever knows the password; none ever comes."""

    mails = 0

    async def handle_DATA(self, *_: Any) -> str:  # noqa: N802 - the library finds hooks by this name
        """Count what should not come."""
        self.mails += 1
        return "250 OK"


def _knows_password(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
    return AuthResult(success=data.password == b"right", handled=False)


@asynccontextmanager
async def relay(**options: Any) -> AsyncIterator[tuple[_Relay, int]]:
    """One that listens on a port of its own."""
    handler, loop = _Relay(), asyncio.get_running_loop()
    make = lambda: SMTP(handler, hostname="relay.example", loop=loop, **options)  # noqa: E731 - one for each connection
    server = await loop.create_server(make, "127.0.0.1", 0)
    try:
        yield handler, server.sockets[0].getsockname()[1]
    finally:
        server.close()


@pytest.fixture(scope="module")
def server_tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    """What a relay shows, and a file of the authority that vouches for it."""
    made = write_certificate(tmp_path_factory.mktemp("relay"), until=datetime.now(UTC) + timedelta(hours=12))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.with_key)
    return context, made.public


async def found_at(url: str) -> list[Finding]:
    """What the doctor says of a relay."""
    return await look_at_relay(PlatformSettings(smtp_relay_url=url), datetime.now(UTC))


def states(findings: list[Finding]) -> list[tuple[str, str]]:
    """How it is with what."""
    return [(one.check, one.state) for one in findings]


async def test_a_relay_that_is_there() -> None:
    """It lets us in, and gets no mail for it."""
    async with relay() as (handler, port):
        findings = await found_at(f"smtp://127.0.0.1:{port}")

    assert states(findings) == [("relay", "ok")]
    assert handler.mails == 0


async def test_a_relay_that_is_not_named_or_not_there() -> None:
    """Neither lets a mail out: the first may be meant, the second is a failure."""
    unnamed, [away] = await found_at(""), await found_at("smtp://u:hush@127.0.0.1:1")

    assert states(unnamed) == [("relay", "warning")]
    assert away.state == "failed"
    assert "DESKBUS_SMTP_RELAY_URL" in away.do
    assert "hush" not in str(away)


@pytest.mark.parametrize(("password", "state"), [("right", "ok"), ("wrong-hush", "failed")])
async def test_credentials_are_tried(password: str, state: str) -> None:
    """They are given as they would be with a mail; what is wrong with them is said without them."""
    async with relay(authenticator=_knows_password, auth_require_tls=False) as (_, port):
        findings = await found_at(f"smtp://desk:{password}@127.0.0.1:{port}")

    assert findings[0].state == state
    assert "hush" not in str(findings)


async def test_credentials_that_nobody_asked_for() -> None:
    """A relay that takes none would refuse every mail."""
    async with relay() as (_, port):
        [finding] = await found_at(f"smtp://desk:hush@127.0.0.1:{port}")

    assert finding.state == "failed"
    assert "takes no credentials" in finding.says


async def test_starttls_is_used_where_it_is_offered(
    server_tls: tuple[ssl.SSLContext, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its certificate must be trusted, as with a mail; that this one lasts for hours only is told."""
    context, authority = server_tls
    async with relay(tls_context=context) as (_, port):
        stranger = await found_at(f"smtp://127.0.0.1:{port}")
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        trusted = await found_at(f"smtp://127.0.0.1:{port}")

    assert states(stranger) == [("relay", "failed")]
    assert "not trusted" in stranger[0].says
    assert [one.check for one in trusted] == ["relay", "certificate"]
    assert [one.state for one in trusted] == ["ok", "warning"]


async def test_servers_that_webhooks_go_to(tmp_path: Path, valkey_url: str) -> None:
    """Each place is connected to once, and told without its path; what must not be called is not called."""
    called = 0

    def count(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal called
        called += 1
        writer.close()

    settings = PlatformSettings(
        bus_url=valkey_url,
        redis_url=valkey_url,
        store_url=f"sqlite:///{tmp_path / 'store'}",
        blobs_url=f"file://{tmp_path / 'blobs'}",
        secret_key=SecretStr("k" * 32),
        allow_private_urls=True,
    )
    server = await asyncio.start_server(count, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    urls = [f"http://127.0.0.1:{port}/a?token=hush", f"http://127.0.0.1:{port}/b", "http://127.0.0.1:1/c"]
    async with server, production_engines(settings, ["notifier"]) as engines:
        platform = engines.platform_of("notifier")
        hooks, accounts = WebhookStore(platform.store), SettingsArea(platform, "notifications", NotificationSettings)
        await platform.store.start()
        await platform.bus.start()
        await accounts.ensure("acc_1")
        for place, url in enumerate(urls):
            made = Webhook(id=f"whk_{place}", account_id="acc_1", url=url, events=("*",), secret="-", created_at=NOW)
            await hooks.add(made)
        await platform.bus.stop()
        await platform.store.stop()
        findings = await look_at_webhooks(engines)

    assert states(findings) == [("webhooks", "warning")]
    assert "127.0.0.1:1 " in findings[0].says
    assert called == 1
    assert "hush" not in str(findings)


@pytest.mark.parametrize(
    ("reached", "state"),
    [
        ({}, "ok"),
        ({("a", 1): True}, "ok"),
        ({("a", 1): True, ("b", 1): False}, "warning"),
        ({("a", 1): False, ("a", 2): False}, "warning"),
        ({("a", 1): False, ("b", 1): False, ("c", 1): False}, "failed"),
    ],
)
def test_what_it_means_whom_we_reach(reached: dict[tuple[str, int], bool], state: str) -> None:
    """Some that are away are their owners' trouble; all of several hosts are ours."""

    assert webhook_findings(reached)[0].state == state
