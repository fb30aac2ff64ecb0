"""The SMTP door over real sockets: what it takes, what it refuses, and when it says 250."""

import asyncio
import smtplib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest

from contracts.inbound import InboundMessageReceived
from service_kit.platform import Platform
from service_kit.testing.eventually import eventually

PLAIN = b"From: jane@customer.example\r\nSubject: Hi\r\nMessage-ID: <1@customer.example>\r\n\r\nHello\r\n"


async def test_accepted_mail_is_stored_raw_and_announced(serving: Any) -> None:
    """250 names the delivery; by then the exact bytes are in the blobs and the message reaches tickets (X0, I3)."""
    async with serving() as email:
        code, text = await email.send(PLAIN)
        [blob] = [path for path in (email.platform.settings.home / "blobs").glob("acc_1/mail/*") if path.is_file()]
        [event] = await eventually(lambda: email.events)

    assert code == 250
    assert blob.read_bytes() == PLAIN
    assert isinstance(event, InboundMessageReceived)
    assert text == f"2.0.0 Accepted as {event.id}"
    assert (event.account_id, event.contact_key, event.text) == ("acc_1", "jane@customer.example", "Hello")
    assert event.raw_blob_key == f"acc_1/mail/{blob.name}"


async def test_bus_down_is_451_and_nothing_is_acknowledged(serving: Any, bus_switch: Any) -> None:
    """While the bus does not confirm, the sender keeps the mail; once it does, the same mail passes (I3)."""
    async with serving(change=bus_switch) as email:
        bus_switch.is_down = True
        with pytest.raises(aiosmtplib.SMTPDataError) as refused:
            await email.send(PLAIN)
        bus_switch.is_down = False
        code, _ = await email.send(PLAIN)
        await eventually(lambda: email.events)

    assert (refused.value.code, refused.value.message[:5]) == (451, "4.3.0")
    assert code == 250
    assert len(email.events) == 1


def _obstruct(folder: Path) -> None:
    """Put a file where the folder should be: that stops even a test that runs as root."""
    folder.write_text("in the way")


async def test_unwritable_blobs_are_451(serving: Any) -> None:
    """A mail that cannot be stored is not acknowledged (X0)."""
    async with serving() as email:
        _obstruct(email.platform.settings.home / "blobs")
        with pytest.raises(aiosmtplib.SMTPDataError) as refused:
            await email.send(PLAIN)

    assert (refused.value.code, refused.value.message[:5]) == (451, "4.3.0")


async def test_full_storage_is_452_before_and_after_the_upload(serving: Any) -> None:
    """With no room left, MAIL is refused at once, and so are data that were under way (I3)."""
    async with (
        serving() as email,
        aiosmtplib.SMTP(hostname="127.0.0.1", port=email.port, start_tls=False) as client,
    ):
        await client.ehlo()
        await client.mail("jane@customer.example")
        await client.rcpt("support@acme.example")
        email.platform.admission.is_full = True
        with pytest.raises(aiosmtplib.SMTPDataError) as late:
            await client.data(PLAIN)
        with pytest.raises(aiosmtplib.SMTPResponseException) as early:
            await client.mail("jane@customer.example")

    assert (late.value.code, late.value.message[:5]) == (452, "4.3.1")
    assert (early.value.code, early.value.message[:5]) == (452, "4.3.1")


async def test_too_large_mail_is_552_with_the_limit(serving: Any) -> None:
    """Oversize mail is refused for good, by its announced size and by what arrives (I7)."""
    async with serving(mail_size_limit_bytes=2000) as email:
        with pytest.raises(aiosmtplib.SMTPDataError) as sent:
            await email.send(PLAIN + b"x" * 900 + b"\r\n" + b"y" * 1100)
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=email.port, start_tls=False) as client:
            await client.ehlo()
            with pytest.raises(aiosmtplib.SMTPResponseException) as announced:
                await client.mail("jane@customer.example", options=["SIZE=2001"])
        code, _ = await email.send(PLAIN)

    assert sent.value.code == 552
    assert "2000 bytes" in sent.value.message
    assert announced.value.code == 552
    assert code == 250


async def test_unknown_recipient_is_550(serving: Any) -> None:
    """Mail to an address that is nobody's support address is refused for good, with 5.1.1."""
    async with serving() as email:
        with pytest.raises(aiosmtplib.SMTPResponseException) as refused:
            await email.send(PLAIN, to=("support@elsewhere.example",))
        with pytest.raises(aiosmtplib.SMTPResponseException) as tagged:
            await email.send(PLAIN, to=("sales+support@acme.example",))

    assert (refused.value.code, refused.value.message[:5]) == (550, "5.1.1")
    assert tagged.value.code == 550


async def test_plus_address_carries_the_token(serving: Any) -> None:
    """`support+token@…` reaches `support@…`, with the token for tickets to verify (X2)."""
    async with serving() as email:
        await email.send(PLAIN, to=("Support+abc.DEF@Acme.example",))
        [event] = await eventually(lambda: email.events)

    assert event.recipient == "support@acme.example"
    assert event.mail.reply_token == "abc.def"


async def test_one_delivery_per_account_address(serving: Any) -> None:
    """Recipients of several accounts get a delivery each; two ways to write one address are one delivery."""
    async with serving() as email:
        code, text = await email.send(
            PLAIN, to=("support@acme.example", "support+t@acme.example", "help@other.example")
        )
        await eventually(lambda: len(email.events) == 2)
        blobs = email.platform.settings.home / "blobs"

    by_account = {event.account_id: event for event in email.events}
    assert (code, text.endswith(" and 1 more")) == (250, True)
    assert by_account["acc_1"].mail.reply_token == "t"
    assert by_account["acc_2"].recipient == "help@other.example"
    assert by_account["acc_1"].message_id != by_account["acc_2"].message_id
    assert all((blobs / event.raw_blob_key).read_bytes() == PLAIN for event in email.events)


async def test_the_same_mail_again_is_the_same_message(serving: Any) -> None:
    """Each delivery has an id of its own; the message's identity is the same (I4, X4)."""
    async with serving() as email:
        for _ in range(3):
            await email.send(PLAIN)
        await eventually(lambda: len(email.events) == 3)

    assert len({event.id for event in email.events}) == 3
    assert len({event.message_id for event in email.events}) == 1


async def test_recipients_are_limited(serving: Any) -> None:
    """Recipients beyond the limit are to be sent in another mail (452, RFC 5321 section 4.5.3.1.10)."""
    async with serving(recipients_max=2) as email:
        with pytest.raises(aiosmtplib.SMTPResponseException) as refused:
            await email.send(PLAIN, to=("support@acme.example",) * 3)

    assert (refused.value.code, refused.value.message[:5]) == (452, "4.5.3")


async def test_null_reverse_path_is_taken(serving: Any, mail: Callable[[str], bytes]) -> None:
    """Bounces come from `<>` and must be accepted (RFC 5321); they are marked as what they are (X7)."""
    async with serving() as email:
        code, _ = await email.send(mail("bounce"), sender="")
        [event] = await eventually(lambda: email.events)

    assert code == 250
    assert (event.automatic.kind, event.automatic.rule) == ("bounce", "delivery_status_report")
    assert event.contact_key == "mailer-daemon@mx.example"


async def test_utf8_and_8bit_mail_is_taken(serving: Any) -> None:
    """SMTPUTF8 and 8BITMIME are offered; addresses and headers in UTF-8 arrive as they are."""
    content = "From: Jürgen <jürgen@beispiel.example>\r\nSubject: Größe\r\n\r\nÄÖÜ\r\n".encode()

    def send(port: int) -> None:
        with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
            client.sendmail(
                "jürgen@beispiel.example", ["support@acme.example"], content, mail_options=("SMTPUTF8", "BODY=8BITMIME")
            )

    async with serving() as email:
        await asyncio.to_thread(send, email.port)
        [event] = await eventually(lambda: email.events)

    assert (event.sender.email, event.subject, event.text) == ("jürgen@beispiel.example", "Größe", "ÄÖÜ")


async def test_bytes_that_are_no_text_in_an_envelope_do_not_lose_the_mail(serving: Any) -> None:
    """A sender address in Latin-1 is taken with replacement characters; such a recipient is simply unknown."""
    async with serving() as email:
        reader, writer = await asyncio.open_connection("127.0.0.1", email.port)
        writer.write(b"EHLO x\r\nMAIL FROM:<j\xfcrgen@b.example>\r\nRCPT TO:<s\xfcpport@acme.example>\r\n")
        writer.write(b"RCPT TO:<support@acme.example>\r\nDATA\r\n" + PLAIN + b".\r\nQUIT\r\n")
        answers = (await asyncio.wait_for(reader.read(), 10)).splitlines()
        writer.close()
        await writer.wait_closed()
        await eventually(lambda: email.events)

    assert [answer[:3] for answer in answers[-6:]] == [b"250", b"550", b"250", b"354", b"250", b"221"]


async def test_stopping_lets_a_mail_in_storage_have_its_answer(serving: Any) -> None:
    """The door closes politely: idle peers are told, and a mail that is being stored still gets its 250."""
    is_storing, may_store = asyncio.Event(), asyncio.Event()

    class SlowBlobs:
        def __init__(self, platform: Platform) -> None:
            self._blobs = platform.blobs

        async def put(self, key: str, data: bytes) -> None:
            is_storing.set()
            await may_store.wait()
            await self._blobs.put(key, data)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._blobs, name)

    async with serving(change=lambda platform: replace(platform, blobs=SlowBlobs(platform))) as email:
        reader, writer = await asyncio.open_connection("127.0.0.1", email.port)
        await reader.readline()
        sending = asyncio.create_task(email.send(PLAIN))
        await asyncio.wait_for(is_storing.wait(), 10)

        async def store_once_the_door_closes() -> bytes:
            farewell = await reader.read()
            may_store.set()
            return farewell

        idle = asyncio.create_task(store_once_the_door_closes())

    assert (await idle).startswith(b"421 4.3.2 ")
    assert (await sending)[0] == 250
    writer.close()
    await writer.wait_closed()
