"""When the certificates run out that our peers show, and our own."""

import asyncio
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from cryptography import x509

from deskbus.doctor.finding import Finding
from service_kit.settings import PlatformSettings

_SOON = timedelta(days=14)
_ANSWER_SECONDS = 5.0
_PORTS = {"rediss": 6379, "mongodb": 27017, "https": 443, "smtps": 465}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A peer that shows a certificate as soon as it is connected to."""

    setting: str
    host: str
    port: int


def endpoints(settings: PlatformSettings) -> list[Endpoint]:
    """The peers with TLS that the settings name."""
    fields = ("bus_url", "store_url", "redis_url", "public_url", "smtp_relay_url")
    return [one for field in fields for one in _encrypted(f"DESKBUS_{field.upper()}", getattr(settings, field))]


async def look_at_peers(found: Sequence[Endpoint], now: datetime) -> list[Finding]:
    """How long the certificate of each lasts, whoever signed it."""
    return list(await asyncio.gather(*(_look(one, now) for one in found)))


def look_at_file(setting: str, file: Path, now: datetime) -> Finding:
    """How long a certificate of our own lasts."""
    try:
        certificate = x509.load_pem_x509_certificate(file.read_bytes())
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) else "there is no certificate in it"
        return Finding("certificate", "failed", f"{setting}: {file}: {said}", "name a PEM file that can be read")
    return lasting(f"{setting} ({file.name})", certificate.not_valid_after_utc, now)


def lasting(whose: str, until: datetime, now: datetime) -> Finding:
    """What it means that a certificate runs out at a time."""
    says = f"the certificate of {whose} runs out on {until:%Y-%m-%d}"
    if until <= now:
        return Finding("certificate", "failed", f"{says}: nobody trusts it any more", "renew it now")
    if until - now < _SOON:
        return Finding("certificate", "warning", says, "renew it")
    return Finding("certificate", "ok", says)


async def _look(one: Endpoint, now: datetime) -> Finding:
    # Nothing is sent, so nobody needs to be trusted: also a certificate that has run out is read.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    whose = f"{one.host}:{one.port} ({one.setting})"
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            _, writer = await asyncio.open_connection(one.host, one.port, ssl=context, server_hostname=one.host)
    except (OSError, ssl.SSLError) as error:
        return Finding(
            "certificate", "warning", f"{whose} shows no certificate: {type(error).__name__}", "look whether it runs"
        )
    try:
        shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        return lasting(whose, x509.load_der_x509_certificate(shown).not_valid_after_utc, now)
    finally:
        writer.close()
        with suppress(OSError):  # how it says goodbye does not matter
            await writer.wait_closed()


def _encrypted(setting: str, url: str) -> list[Endpoint]:
    parts = urlsplit(url)
    options = {name.lower(): values[-1].lower() for name, values in parse_qs(parts.query).items()}
    match parts.scheme:
        case "kafka":
            default = "sasl_ssl" if "@" in parts.netloc else "plaintext"
            is_encrypted = options.get("security", default).endswith("ssl")
        case "mongodb":
            is_encrypted = "true" in {options.get("tls"), options.get("ssl")}
        case scheme:
            is_encrypted = scheme in _PORTS
    places = parts.netloc.rpartition("@")[2].split(",") if is_encrypted else []
    return [_endpoint(setting, place, _PORTS.get(parts.scheme, 0)) for place in places if place]


def _endpoint(setting: str, place: str, usual_port: int) -> Endpoint:
    parts = urlsplit(f"//{place}")
    return Endpoint(setting, parts.hostname or "", parts.port or usual_port)
