"""Passwords of engines: wherever a URL may come out as text, it comes out without."""

import gc
import traceback
import warnings

import pytest
import structlog
from pydantic import SecretStr, ValidationError

from deskbus.masked_urls import masked
from deskbus.production import production_engines
from service_kit.errors import DeskbusError
from service_kit.settings import PlatformSettings

SECRET = "nobody-should-see"
AWAY = "127.0.0.1:1"
URLS = {
    "redis_url": [f"redis://:{SECRET}@{AWAY}/0", f"rediss://desk:{SECRET}@{AWAY}"],
    "bus_url": [
        f"kafka://desk:{SECRET}@{AWAY}?security=SASL_PLAINTEXT",
        f"kafka://desk:{SECRET}@{AWAY}",
        f"rediss://:{SECRET}@{AWAY}",
    ],
    "store_url": [
        f"mongodb://desk:{SECRET}@{AWAY}/?timeoutMS=200",
        f"mongodb://desk:{SECRET}@{AWAY}/?tls=true&timeoutMS=200",
    ],
    "blobs_url": [f"s3://key:{SECRET}@bucket/p?endpoint=http://{AWAY}&region=x"],
}


def _collect_sockets() -> None:
    """MongoDB's driver leaves a socket behind when it is closed while it connects: not this test's complaint."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


EACH = [(setting, url) for setting, urls in URLS.items() for url in urls]


def settings_with(setting: str, url: str) -> PlatformSettings:
    """Engines where nobody listens, one of them with a password."""
    named = {
        "redis_url": f"redis://{AWAY}",
        "bus_url": f"redis://{AWAY}",
        "store_url": f"mongodb://{AWAY}/?timeoutMS=200",
    }
    given = {**named, "blobs_url": "s3://bucket/p?region=x", setting: url}
    return PlatformSettings(**given, secret_key=SecretStr(SECRET * 2))


@pytest.mark.parametrize(
    ("setting", "url"), EACH, ids=[f"{setting}-{number}" for number, (setting, _) in enumerate(EACH)]
)
async def test_an_engine_that_is_away_does_not_tell_its_password(setting: str, url: str) -> None:
    """Neither objects shown, nor errors with their causes, nor the log repeat a password (S2)."""
    said: list[str] = []
    settings = settings_with(setting, url)
    with structlog.testing.capture_logs() as logged:
        async with production_engines(settings, ["tickets"], ready_seconds=0.1) as engines:
            platform = engines.platform_of("tickets")
            said += map(
                repr, (settings, engines, platform, platform.bus, platform.store, platform.blobs, engines.redis)
            )
            tries = {
                "redis_url": engines.redis.ping,
                "bus_url": platform.bus.provision,
                "store_url": platform.store.start,
            }
            if setting in tries:
                with pytest.raises(Exception) as failed:  # noqa: PT011 - whichever the driver raises
                    await tries[setting]()
                said.append("".join(traceback.format_exception(failed.value)))
            await platform.bus.stop()
    _collect_sockets()
    said += [repr(line) for line in logged]

    assert SECRET not in "\n".join(said)
    assert SECRET not in masked(url)


def test_a_setting_that_does_not_fit_is_not_repeated() -> None:
    """The complaint names the field and leaves out what was given for it and for others (S2)."""
    with pytest.raises(ValidationError) as refused:
        PlatformSettings(secret_key=SecretStr("hush"), store_url=f"mongodb://a:{SECRET}@b/")

    assert "hush" not in str(refused.value)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("url", [f"s3://bucket?secret_access_key={SECRET}", f"kafka://desk:{SECRET}@host"])
async def test_a_url_that_cannot_be_read_is_not_repeated(url: str) -> None:
    """A refusal names the setting, never the URL (S2)."""
    setting = "blobs_url" if url.startswith("s3") else "bus_url"
    with pytest.raises(DeskbusError) as refused:
        async with production_engines(settings_with(setting, url), ["tickets"]) as engines:
            engines.platform_of("tickets")

    assert SECRET not in "".join(traceback.format_exception(refused.value))


@pytest.mark.parametrize(
    ("url", "is_encrypted"),
    [(f"redis://{AWAY}", False), (f"rediss://{AWAY}", True), (f"rediss://{AWAY}?ssl_ca_certs=/run/ca.pem", True)],
)
async def test_redis_with_tls(url: str, *, is_encrypted: bool) -> None:
    """`rediss://` reaches the client as TLS with checked certificates, whatever else the URL says (S2)."""
    async with production_engines(settings_with("redis_url", url), ["tickets"]) as engines:
        options = engines.redis.connection_pool.connection_class, engines.redis.connection_pool.connection_kwargs

    assert (options[0].__name__ == "SSLConnection") is is_encrypted
    assert options[1].get("ssl_cert_reqs", "required") == "required"
