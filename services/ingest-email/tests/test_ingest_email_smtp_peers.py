"""Peers of the SMTP door over real sockets: how many, how long, and with how much memory between them."""

import asyncio
import socket
import struct
from typing import Any

import aiosmtplib
import pytest

from service_kit.testing.eventually import eventually

PLAIN = b"From: jane@customer.example\r\nSubject: Hi\r\nMessage-ID: <1@customer.example>\r\n\r\nHello\r\n"


async def test_connections_are_limited_per_peer(serving: Any) -> None:
    """A peer with all its connections open is turned away, and welcome again when one is closed."""
    async with serving(connections_per_peer_max=1, trusted_relays="") as email:
        first = aiosmtplib.SMTP(hostname="127.0.0.1", port=email.port, start_tls=False)
        await first.connect()
        with pytest.raises(aiosmtplib.SMTPConnectResponseError) as refused:
            await email.send(PLAIN)
        await first.quit()

        async def passes() -> bool:
            try:
                code, _ = await email.send(PLAIN)
            except aiosmtplib.SMTPConnectResponseError:
                return False
            return bool(code == 250)

        assert await eventually(passes)

    assert refused.value.code == 421


async def test_silent_connections_are_closed(serving: Any) -> None:
    """A peer that says nothing, or stops in the middle of its data, does not keep its seat."""
    async with serving(command_timeout_seconds=0.2, data_timeout_seconds=0.3) as email:
        idle_reader, idle_writer = await asyncio.open_connection("127.0.0.1", email.port)
        stuck_reader, stuck_writer = await asyncio.open_connection("127.0.0.1", email.port)
        stuck_writer.write(
            b"EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<support@acme.example>\r\nDATA\r\nFrom: a@b.example\r\n"
        )
        async with asyncio.timeout(10):
            greeting = await idle_reader.read()
            answers = await stuck_reader.read()
        for writer in (idle_writer, stuck_writer):
            writer.close()
            await writer.wait_closed()

    assert greeting.startswith(b"220 ")
    assert answers.splitlines()[-1].startswith(b"354 ")
    assert email.events == []


async def test_a_peer_that_vanishes_within_its_data_leaves_nothing_behind(serving: Any) -> None:
    """No timer, seat or byte of memory of a broken connection stays: after three there is room for the next one."""
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))

    async with serving(
        command_timeout_seconds=0.3, connections_max=3, mail_memory_bytes=6000, mail_size_limit_bytes=2000
    ) as email:
        for _ in range(3):
            reader, writer = await asyncio.open_connection("127.0.0.1", email.port)
            writer.write(b"EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<support@acme.example>\r\nDATA\r\n")
            await asyncio.wait_for(reader.readuntil(b"\n354 "), 10)
            writer.write(b"x" * 900 + b"\r\n" + b"y" * 900 + b"\r\n")
            await writer.drain()
            # Closing resets the connection now, without the word that a peer in order would send before.
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        # A timer that was left running would complain when it finds its connection gone.
        await asyncio.sleep(0.4)
        code, _ = await email.send(PLAIN + b"x" * 1500)

    assert code == 250
    assert complaints == []


async def test_memory_for_arriving_mail_is_shared_and_limited(serving: Any) -> None:
    """Mail that finds no room beside what arrives already is asked to come again (452), and then fits."""
    async with serving(mail_memory_bytes=3000) as email:
        reader, writer = await asyncio.open_connection("127.0.0.1", email.port)
        writer.write(b"EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<support@acme.example>\r\nDATA\r\n")
        await asyncio.wait_for(reader.readuntil(b"\n354 "), 10)
        writer.write((b"x" * 900 + b"\r\n") * 3)

        async def is_refused() -> bool:
            try:
                await email.send(PLAIN + b"z" * 500)
            except aiosmtplib.SMTPDataError as error:
                return error.code == 452
            return False

        assert await eventually(is_refused)
        writer.write(b".\r\n")
        held = await asyncio.wait_for(reader.readuntil(b"\n250 2.0.0"), 10)
        code, _ = await email.send(PLAIN + b"z" * 500)
        writer.close()
        await writer.wait_closed()

    assert held
    assert code == 250
