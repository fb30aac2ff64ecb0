"""STARTTLS (RFC 3207): what is said before it does not count, and the certificate can be renewed while we run."""

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest

from ingest_email.errors import CertificateUnreadable
from ingest_email.settings import IngestEmailSettings
from ingest_email.smtp.smtp_tls import TlsFiles
from service_kit.testing.eventually import eventually

PLAIN = b"From: jane@customer.example\r\nSubject: Hi\r\nMessage-ID: <1@customer.example>\r\n\r\nHello\r\n"

Files = tuple[Path, Path]


def _trusting() -> ssl.SSLContext:
    """A client that takes any certificate, as most mail servers do."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _settings(files: Files) -> dict[str, Path]:
    return {"tls_certificate": files[0], "tls_key": files[1]}


async def _presented(port: int) -> bytes:
    """The certificate that the door shows now."""
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False, timeout=20) as client:
        await client.starttls(tls_context=_trusting())
        shown: bytes = client.transport.get_extra_info("ssl_object").getpeercert(binary_form=True)
    return shown


async def test_mail_arrives_encrypted(serving: Any, write_certificate: Callable[[str], Files]) -> None:
    """STARTTLS is offered until it is used; after it the client greets anew, is offered no AUTH, and mail is taken."""
    async with serving(**_settings(write_certificate("mx.acme.example"))) as email:
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=email.port, start_tls=False, timeout=20) as client:
            await client.ehlo()
            offered = set(client.esmtp_extensions)
            await client.starttls(tls_context=_trusting())
            refused = await client.execute_command(b"MAIL FROM:<jane@customer.example>")
            await client.ehlo()
            offered_then = set(client.esmtp_extensions)
            again = await client.execute_command(b"STARTTLS")
            login = await client.execute_command(b"AUTH PLAIN AGEAYg==")
            await client.sendmail("jane@customer.example", ["support@acme.example"], PLAIN)
        await eventually(lambda: email.events)

    assert "starttls" in offered
    assert refused.code == 503
    assert offered_then == offered - {"starttls"}
    assert "auth" not in offered_then
    assert (again.code, login.code) == (503, 504)


async def test_without_a_certificate_it_is_not_offered(serving: Any) -> None:
    """A door without a certificate says so, and stays one for plain connections."""
    async with (
        serving() as email,
        aiosmtplib.SMTP(hostname="127.0.0.1", port=email.port, start_tls=False, timeout=20) as client,
    ):
        await client.ehlo()
        offered = client.supports_extension("starttls")
        answer = await client.execute_command(b"STARTTLS")

    assert not offered
    assert answer.code == 454


async def test_what_came_before_the_handshake_is_forgotten(
    serving: Any, write_certificate: Callable[[str], Files]
) -> None:
    """Commands that somebody slipped in behind STARTTLS, and an envelope begun before it, are gone (CVE-2011-0411)."""
    said = b"EHLO x\r\nMAIL FROM:<evil@b.example>\r\nRCPT TO:<support@acme.example>\r\nSTARTTLS\r\nEHLO y\r\nNOOP\r\n"

    async with serving(**_settings(write_certificate("mx.acme.example"))) as email:
        reader, writer = await asyncio.open_connection("127.0.0.1", email.port)
        writer.write(said)
        await asyncio.wait_for(reader.readuntil(b"220 Ready to start TLS\r\n"), 10)
        await writer.start_tls(_trusting())
        writer.write(b"DATA\r\nEHLO z\r\nDATA\r\nQUIT\r\n")
        answers = (await asyncio.wait_for(reader.read(), 10)).splitlines()
        writer.close()

    assert answers[0].startswith(b"503 ")
    assert [answer[:4] for answer in answers if not answer.startswith(b"250-")] == [b"503 ", b"250 ", b"503 ", b"221 "]
    assert email.events == []


async def test_a_failed_handshake_costs_nobody_else_anything(
    serving: Any, write_certificate: Callable[[str], Files]
) -> None:
    """Who says STARTTLS and then no TLS loses the connection and its seat, and is not counted as a mail."""
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))

    async with serving(connections_max=2, **_settings(write_certificate("mx.acme.example"))) as email:
        for _ in range(4):
            reader, writer = await _in_handshake(email.port)
            writer.write(b"no TLS at all\r\n" * 5)
            await asyncio.wait_for(reader.read(), 10)
            writer.close()
        code, _ = await email.send(PLAIN)
        lost = email.platform.metrics.get_sample_value("ingest_email_deliveries_total", {"outcome": "unavailable"})

    assert code == 250
    assert lost is None
    assert complaints == []


async def test_a_handshake_that_never_begins_does_not_hold_the_door(
    serving: Any, write_certificate: Callable[[str], Files]
) -> None:
    """Silence after STARTTLS costs a connection its seat, and one that is silent while the door closes is let go."""
    files = _settings(write_certificate("mx.acme.example"))
    async with serving(command_timeout_seconds=0.5, connections_max=1, **files) as email:
        reader, writer = await _in_handshake(email.port)
        await asyncio.wait_for(reader.read(), 10)
        code, _ = await email.send(PLAIN)
        hanging_reader, hanging_writer = await _in_handshake(email.port)
    ended = await asyncio.wait_for(hanging_reader.read(), 10)
    for one in (writer, hanging_writer):
        one.close()

    assert code == 250
    assert b"421" not in ended


async def _in_handshake(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection on which TLS was agreed and nothing more is said."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"EHLO x\r\nSTARTTLS\r\n")
    await asyncio.wait_for(reader.readuntil(b"220 Ready to start TLS\r\n"), 10)
    return reader, writer


async def test_a_renewed_certificate_is_shown_to_the_next_connection(
    serving: Any, write_certificate: Callable[[str], Files]
) -> None:
    """Nobody restarts a mail server for a certificate; a broken one leaves the old one in use."""
    files = write_certificate("old.example")

    async with serving(**_settings(files)) as email:
        first = await _presented(email.port)
        files[0].write_bytes(b"half a certif")
        broken = await _presented(email.port)
        write_certificate("new.example")
        renewed = await _presented(email.port)

    assert first == broken
    assert b"new.example" in renewed


def test_a_certificate_that_is_none_is_said_at_the_start(tmp_path: Path) -> None:
    """Settings that name files which are missing or no certificate stop the service with their names."""
    missing = tmp_path / "missing.pem"

    with pytest.raises(CertificateUnreadable, match=r"missing\.pem"):
        TlsFiles(missing, missing)


def test_certificate_and_key_go_together(tmp_path: Path) -> None:
    """One without the other is a mistake that is told at the start."""
    with pytest.raises(ValueError, match="go together"):
        IngestEmailSettings(tls_certificate=tmp_path / "smtp.pem")
