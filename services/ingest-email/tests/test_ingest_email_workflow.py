"""From the accepted mail to the events of it, through the real bus, store, blobs and parser process."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from contracts.inbound import InboundMessageReceived
from contracts.intake import IntakeVerdictRecorded
from contracts.mail import MailAccepted
from ingest_email.inbound import Understood, received
from ingest_email.parsing.model import MailBody, MailHead
from ingest_email.quarantine.quarantine import QUARANTINE, Quarantine
from service_kit.blobs import BlobMissing
from service_kit.platform import Platform
from service_kit.testing.callers import sign_in
from service_kit.testing.eventually import eventually
from service_kit.testing.platforms import PlatformFactory

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
HEAD = b"From: jane@customer.example\r\nSubject: Hi\r\nMessage-ID: <1@customer.example>\r\n"
STALLING = HEAD + b"Content-Type: text/html\r\n\r\n" + b"&" * 990_000 + b"\r\n"


def accepted(**changes: Any) -> MailAccepted:
    """A delivery."""
    given = {
        "id": "dlv_1",
        "account_id": "acc_1",
        "time": NOON,
        "recipient": "support@acme.example",
        "envelope_sender": "jane@customer.example",
        "envelope_sender_key": "jane@customer.example",
        "via": "smtp",
        "peer": "192.0.2.1",
        "raw_blob_key": "acc_1/mail/x",
        "size": 10,
        "received_at": NOON,
    }
    return MailAccepted.model_validate(given | changes)


async def test_a_mail_becomes_a_message_with_its_files(serving: Any, mail: Callable[[str], bytes]) -> None:
    """Everything tickets needs of a mail is in the event, and its files are in the blobs (X6)."""
    async with serving() as email:
        await email.send(mail("alternative_inline_image"))
        [event] = await eventually(lambda: email.events)
        [image] = event.attachments
        content = await email.platform.blobs.get(image.blob_key)

    assert isinstance(event, InboundMessageReceived)
    assert (event.sender.name, event.sender.email) == ("Renée Dupont", "renee@customer.example")
    assert (event.contact_key, event.recipient) == ("renee@customer.example", "support@acme.example")
    assert event.provider_message_id == "alt-1@customer.example"
    assert event.sent_at == datetime(2026, 11, 10, 8, 15, tzinfo=UTC)
    assert event.text == "Voilà la photo."
    assert content.startswith(b"\x89PNG")
    assert image.blob_key.startswith("acc_1/attachment/")
    assert event.parse_error is None


async def test_an_unparsable_mail_opens_its_ticket_all_the_same(serving: Any) -> None:
    """The parser is killed, the raw mail is kept, the sender is known, and mail behind it flows (I6)."""
    async with serving(parse_timeout_seconds=0.5) as email:
        await email.send(STALLING)
        await email.send(HEAD + b"\r\nHello\r\n")
        await eventually(lambda: len(email.events) == 2, seconds=15)
        raw = await email.platform.blobs.get(email.events[0].raw_blob_key)

    stalled, ordinary = email.events
    assert (stalled.parse_error, stalled.text) == ("timeout", "")
    assert (stalled.contact_key, stalled.subject) == ("jane@customer.example", "Hi")
    assert raw == STALLING
    assert (ordinary.parse_error, ordinary.text) == (None, "Hello")
    assert stalled.message_id == ordinary.message_id


async def test_limits_are_told_in_the_message(serving: Any) -> None:
    """A mail over a parser's limit says which one, with its sender and subject from the header alone (I6)."""
    async with serving() as email:
        await email.send(HEAD + b"X-Filler: " + b"x" * 70_000 + b"\r\n\r\nHello\r\n")
        [event] = await eventually(lambda: email.events)

    assert event.parse_error == "header_block_over_limit"
    assert (event.contact_key, event.subject) == ("jane@customer.example", "Hi")


async def test_senderless_mail_is_quarantined(serving: Any, mail: Callable[[str], bytes]) -> None:
    """Mail that names nobody ends in a verdict, and is kept (I2, I6)."""
    async with serving() as email:
        await email.send(mail("senderless"), sender="")
        [verdict] = await eventually(lambda: email.events)
        kept = await email.platform.store.collection(QUARANTINE).get(verdict.delivery_id)
        raw = await email.platform.blobs.get(kept.blob_key)

    assert isinstance(verdict, IntakeVerdictRecorded)
    assert (verdict.verdict, verdict.reason, verdict.channel) == ("quarantined", "no_sender", "email")
    assert verdict.provider_message_id == "nobody-1@nowhere.example"
    assert (kept.account_id, kept.mailbox, kept.source) == ("acc_1", "support@acme.example", "127.0.0.1")
    assert raw == mail("senderless")


async def test_quarantine_is_capped_per_source(serving: Any, mail: Callable[[str], bytes]) -> None:
    """One source cannot fill the disk with forgeries: beyond its share they get a verdict and are dropped (I6)."""
    async with serving(quarantine_per_source_max=2) as email:
        for number in range(4):
            await email.send(b"X-Number: %d\r\n" % number + mail("senderless"), sender="")
        await eventually(lambda: len(email.events) == 4)
        blobs = email.platform.settings.home / "blobs" / "acc_1" / "mail"
        await eventually(lambda: len(list(blobs.iterdir())) == 2)

    assert sorted(event.reason for event in email.events) == ["no_sender"] * 2 + ["no_sender_over_quota"] * 2


async def test_a_mail_without_author_is_from_its_envelope(serving: Any, mail: Callable[[str], bytes]) -> None:
    """Where the header names nobody, the reverse-path does."""
    async with serving() as email:
        await email.send(mail("senderless"), sender="Cron@Machine.example")
        [event] = await eventually(lambda: email.events)

    assert (event.contact_key, event.sender.email) == ("cron@machine.example", "cron@machine.example")


async def test_own_mail_is_known_by_signature_and_author(serving: Any) -> None:
    """Our signed Message-ID marks our own mail; under another author it is only a copied id (X7)."""
    ticket, message = "a" * 24, "b" * 24

    async with serving() as email:
        signature = email.platform.signer.sign("message-id", "acc_1", ticket, message)
        ours = f"Message-ID: <tic.{ticket}.{message}.{signature}@acme.example>\r\n\r\nHello\r\n".encode()
        await email.send(b"From: Acme <support+t@acme.example>\r\n" + ours, sender="support@acme.example")
        await email.send(b"From: mallory@evil.example\r\n" + ours, sender="mallory@evil.example")
        await eventually(lambda: len(email.events) == 2)

    marks = {event.contact_key: event.automatic for event in email.events}
    assert marks["support+t@acme.example"].kind == "own"
    assert marks["mallory@evil.example"] is None


async def test_mails_of_one_sender_stay_in_order(serving: Any) -> None:
    """A batch is parsed at once and published in its order (I5)."""
    async with serving(parse_workers=2) as email:
        for number in range(12):
            size = 50_000 if number % 3 == 0 else 1
            await email.send(b"From: jane@customer.example\r\nSubject: %d\r\n\r\n" % number + b"word " * size + b"\r\n")
        await eventually(lambda: len(email.events) == 12)

    assert [event.subject for event in email.events] == [str(number) for number in range(12)]


async def test_a_crash_after_publishing_repeats_the_same_events(serving: Any, mail: Callable[[str], bytes]) -> None:
    """A batch that is handled again publishes what it published before, id for id (I4)."""

    class ForgetfulBus:
        """Publishes the first batch of messages, then behaves as if it had not."""

        def __init__(self, platform: Platform) -> None:
            self._bus = platform.bus
            self.failures_left = 1

        async def publish(self, events: Sequence[Any]) -> None:
            await self._bus.publish(events)
            if self.failures_left and any(isinstance(event, InboundMessageReceived) for event in events):
                self.failures_left -= 1
                raise ConnectionError("confirmed too late")

        def __getattr__(self, name: str) -> Any:
            return getattr(self._bus, name)

    async with serving(change=lambda platform: replace(platform, bus=ForgetfulBus(platform))) as email:
        await email.send(mail("alternative_inline_image"))
        await eventually(lambda: len(email.events) == 2)

    first, second = (event.model_dump(exclude={"html"}) for event in email.events)
    assert first == second


async def test_a_missing_raw_mail_is_dead_lettered_and_the_rest_flows(serving: Any) -> None:
    """A mail whose bytes are gone can never be parsed; its neighbours are."""
    async with serving() as email:
        await email.platform.bus.publish([accepted(id="dlv_gone", raw_blob_key="acc_1/mail/gone")])
        await email.send(HEAD + b"\r\nHello\r\n")
        [event] = await eventually(lambda: email.events)
        with pytest.raises(BlobMissing):
            await email.platform.blobs.get("acc_1/mail/gone")

    assert event.text == "Hello"


async def test_settings_are_served(serving: Any) -> None:
    """The area `email` is read and patched over HTTP, each account its own."""
    async with serving() as email:
        headers = await sign_in(email.platform, account_id="acc_1")
        transport = httpx.ASGITransport(app=email.api)
        async with httpx.AsyncClient(transport=transport, base_url="http://deskbus.test", headers=headers) as http:
            patched = await http.patch("/v1/settings/email", json={"addresses": {"sales@acme.example": {}}})
            taken = await http.patch("/v1/settings/email", json={"addresses": {"help@other.example": {}}})
            seen = await http.get("/v1/settings/email")
        code, _ = await email.send(HEAD + b"\r\nHello\r\n", to=("sales@acme.example",))

    assert patched.status_code == 200
    assert (taken.status_code, taken.json()["code"]) == (409, "address_taken")
    assert sorted(seen.json()["addresses"]) == ["sales@acme.example", "support@acme.example"]
    assert code == 250


async def test_quarantining_twice_is_once(make_platform: PlatformFactory) -> None:
    """A redelivered record does not use up its source's share."""
    platform = make_platform("ingest-email")
    quarantine = Quarantine(platform.store, per_source_max=1)
    await platform.store.start()
    outcomes = [await quarantine.keep(accepted(), mailbox="support@acme.example", reason="no_sender") for _ in range(2)]
    second = accepted(id="dlv_2", raw_blob_key="acc_1/mail/y")
    other = await quarantine.keep(second, mailbox="support@acme.example", reason="no_sender")
    third = accepted(id="dlv_3", raw_blob_key="acc_1/mail/y", peer="192.0.2.2")
    elsewhere = await quarantine.keep(third, mailbox="x@y", reason="no_sender")
    await platform.store.stop()

    assert outcomes == [True, True]
    assert (other, elsewhere) == (False, True)


def test_an_event_always_fits_in_a_record() -> None:
    """What JSON makes of quotes and line ends may double a text: HTML and history give way, the text never does."""
    known = Understood(accepted(), "support@acme.example", MailHead(message_id="1"), MailBody())
    body = MailBody(text='"' * 128_000, html='"' * 400_000, quoted_text='"' * 128_000)

    event = received(replace(known, body=body), sender="jane@customer.example", attachments=(), own=None)

    assert len(event.payload()) <= 900_000
    assert event.text == body.text
    assert (event.html, event.quoted_text) == (None, body.quoted_text)
    assert event.parse_error == "partial:html_over_limit"
