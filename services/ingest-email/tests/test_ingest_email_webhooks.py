"""Mail by provider webhook through the real application, store, blobs and bus: taken, refused, and in which status."""

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from contracts.inbound import InboundMessageReceived
from contracts.mail import MailAccepted
from contracts.topics import INBOUND_MAIL_RAW
from service_kit.bus import Subscription
from service_kit.platform import Platform
from service_kit.testing.eventually import eventually

RAW = (
    b"From: jane@customer.example\r\nTo: support@acme.example\r\nSubject: Hi\r\n"
    b"Date: Sun, 22 Nov 2026 09:00:00 +0000\r\nMessage-ID: <1@customer.example>\r\n\r\ncaf\xe9\r\n"
)
PROOFS = {
    "mailgun": {"signing_key": "key-1"},
    "sendgrid": {"basic": {"username": "in", "password": "secret"}},
    "postmark": {"username": "in", "password": "secret"},
}
GIVEN_UP = {"mailgun": 406, "sendgrid": 406, "postmark": 403}
ASKED_AGAIN = {"mailgun": 401, "sendgrid": 503, "postmark": 401}
PROVIDERS = tuple(PROOFS)


def basic(password: str) -> dict[str, str]:
    """The header of basic authentication."""
    return {"authorization": "Basic " + base64.b64encode(f"in:{password}".encode()).decode()}


class Calls:
    """What providers send to a running service."""

    def __init__(self, http: httpx.AsyncClient, platform: Platform) -> None:
        self.http = http
        self._platform = platform

    async def send(
        self,
        provider: str,
        raw: bytes | None = RAW,
        *,
        to: str = "support@acme.example",
        sender: str = "jane@customer.example",
        secret: str | None = None,
        token: str = "token-1",
    ) -> httpx.Response:
        """One call, proven unless another `secret` is given; without `raw` as senders do by default."""
        match provider:
            case "mailgun":
                return await self._mailgun(raw, to, sender, secret or "key-1", token)
            case "sendgrid":
                envelope = json.dumps({"to": [to], "from": sender}).encode()
                files = {"envelope": envelope} | ({"text": b"Hi"} if raw is None else {"email": raw})
                return await self.http.post(
                    "/v1/email/sendgrid/inbound", files=_parts(files), headers=basic(secret or "secret")
                )
            case _:
                body = {"OriginalRecipient": to, "From": sender, "TextBody": "Hi"}
                given = body if raw is None else {**body, "RawEmail": raw.decode("latin-1")}
                return await self.http.post("/v1/email/postmark/inbound", json=given, headers=basic(secret or "secret"))

    async def _mailgun(self, raw: bytes | None, to: str, sender: str, key: str, token: str) -> httpx.Response:
        timestamp = str(int(self._platform.clock.now().timestamp()))
        signature = hmac.new(key.encode(), f"{timestamp}{token}".encode(), hashlib.sha256).hexdigest()
        text = {"recipient": to, "sender": sender, "timestamp": timestamp, "token": token, "signature": signature}
        files = {name: value.encode() for name, value in text.items()}
        files |= {"body-plain": b"Hi"} if raw is None else {"body-mime": raw}
        return await self.http.post("/v1/email/mailgun/inbound/mime", files=_parts(files))


def _parts(fields: dict[str, bytes]) -> dict[str, tuple[None, bytes]]:
    return {name: (None, value) for name, value in fields.items()}


async def opened(email: Any) -> Calls:
    """The service with every provider set up for `acc_1`, and none for `acc_2`."""
    await email.book.area.patch("acc_1", PROOFS)
    transport = httpx.ASGITransport(app=email.api, client=("198.51.100.7", 1))
    return Calls(httpx.AsyncClient(transport=transport, base_url="http://desk.example"), email.platform)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_proven_call_is_stored_raw_and_announced(serving: Any, provider: str) -> None:
    """200 names the delivery; by then the raw mail is in the blobs, and the message reaches tickets (X0, X1, I3)."""
    async with serving() as email:
        calls = await opened(email)
        answer = await calls.send(provider, to="support+tic.1@acme.example")
        [blob] = [path for path in (email.platform.settings.home / "blobs").glob("acc_1/mail/*") if path.is_file()]
        [event] = await eventually(lambda: email.events)

    assert answer.status_code == 200
    assert blob.read_bytes() == (RAW.decode("latin-1").encode() if provider == "postmark" else RAW)
    assert isinstance(event, InboundMessageReceived)
    assert answer.json() == {"delivery_ids": [event.id]}
    assert (event.account_id, event.recipient, event.text[:3]) == ("acc_1", "support@acme.example", "caf")
    assert event.mail is not None
    assert event.mail.reply_token == "tic.1"


async def test_the_announcement_says_which_way_the_mail_came(serving: Any) -> None:
    """The raw topic names provider, caller and the envelope's sender, empty for a bounce."""
    heard: list[MailAccepted] = []
    watched: list[Platform] = []

    async def note(events: Any) -> None:
        heard.extend(events)

    def listening(platform: Platform) -> Platform:
        platform.bus.subscribe(Subscription(INBOUND_MAIL_RAW, "watcher", note))
        watched.append(platform)
        return platform

    async with serving(change=listening) as email:
        calls = await opened(email)
        await calls.send("mailgun", sender="<>")
        [accepted] = await eventually(lambda: heard)

    assert (accepted.via, accepted.peer, accepted.envelope_sender) == ("mailgun", "198.51.100.7", "")


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_unknown_recipients_end_the_providers_attempts(serving: Any, provider: str) -> None:
    """Mail for nobody gets the status at which this provider gives up."""
    async with serving() as email:
        answer = await (await opened(email)).send(provider, to="nobody@acme.example")

    assert (answer.status_code, answer.json()["code"]) == (GIVEN_UP[provider], "unknown_recipient")


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_wrong_secret_loses_no_mail(serving: Any, provider: str) -> None:
    """A call that is not proven is refused so that the provider comes again; once it is proven it passes."""
    async with serving() as email:
        calls = await opened(email)
        refused = await calls.send(provider, secret="wrong")
        taken = await calls.send(provider)
        await eventually(lambda: email.events)

    assert (refused.status_code, refused.json()["code"]) == (ASKED_AGAIN[provider], "bad_credentials")
    assert taken.status_code == 200
    assert len(email.events) == 1


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_one_accounts_proof_does_not_open_anothers_mailbox(serving: Any, provider: str) -> None:
    """The recipient decides whose settings must prove the call, not the caller (S4)."""
    async with serving() as email:
        answer = await (await opened(email)).send(provider, to="help@other.example")

    assert (answer.status_code, answer.json()["code"]) == (ASKED_AGAIN[provider], "bad_credentials")
    assert not email.events


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_call_without_the_raw_mail_says_what_to_switch_on(serving: Any, provider: str) -> None:
    """The provider's own reading is never taken for the mail, and the mail waits until the option is on."""
    async with serving() as email:
        answer = await (await opened(email)).send(provider, raw=None)

    assert (answer.status_code, answer.json()["code"]) == (ASKED_AGAIN[provider], "raw_mail_missing")


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_call_that_cannot_be_stored_is_asked_for_again(serving: Any, bus_switch: Any, provider: str) -> None:
    """While the bus does not confirm the answer is 503, and the provider's next attempt passes (I3)."""
    async with serving(change=bus_switch) as email:
        calls = await opened(email)
        bus_switch.is_down = True
        refused = await calls.send(provider)
        bus_switch.is_down = False
        taken = await calls.send(provider)
        await eventually(lambda: email.events)

    assert (refused.status_code, refused.json()["code"], taken.status_code) == (503, "unavailable", 200)
    assert len(email.events) == 1


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_mail_over_the_limit_is_given_up(serving: Any, provider: str) -> None:
    """Over the size of a mail, and over the size of a call, the provider is told to stop (I7)."""
    async with serving(mail_size_limit_bytes=1024, webhook_size_limit_bytes=4096) as email:
        calls = await opened(email)
        mail = await calls.send(provider, RAW + b"x" * 1024)
        call = await calls.send(provider, RAW + b"x" * 4096)

    assert [(one.status_code, one.json()["code"]) for one in (mail, call)] == [(GIVEN_UP[provider], "too_large")] * 2


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_nonsense_is_given_up(serving: Any, provider: str) -> None:
    """A body that this provider never sends is refused for good."""
    async with serving() as email:
        calls = await opened(email)
        answer = await calls.http.post(
            f"/v1/email/{provider}/inbound", content=b"\x00nonsense", headers=basic("secret")
        )

    assert (answer.status_code, answer.json()["code"]) == (GIVEN_UP[provider], "malformed_webhook")


async def test_calls_beyond_the_memory_are_asked_to_come_again(serving: Any) -> None:
    """What arrives at once is bounded over all calls."""
    async with serving(webhook_memory_bytes=1024) as email:
        answer = await (await opened(email)).send("mailgun", RAW + b"x" * 1024)

    assert answer.status_code == 503


async def test_a_call_that_does_not_arrive_in_time_is_broken_off(serving: Any) -> None:
    """A caller who dawdles gets an answer instead of a place for ever."""

    async def dawdling() -> AsyncIterator[bytes]:
        yield b"recipient=support"
        await eventually(lambda: False, seconds=30)

    async with serving(webhook_timeout_seconds=0.05) as email:
        calls = await opened(email)
        answer = await calls.http.post("/v1/email/mailgun/inbound", content=dawdling())

    assert answer.status_code == 503


async def test_the_same_mail_by_every_way_is_one_message(serving: Any) -> None:
    """A provider's repeated call, another provider and SMTP give the same message id (X4, I4)."""
    plain = RAW.replace(b"caf\xe9", b"coffee")
    async with serving() as email:
        calls = await opened(email)
        answers = [await calls.send(provider, plain) for provider in ("mailgun", *PROVIDERS)]
        await email.send(plain)
        await eventually(lambda: len(email.events) == 5)

    assert [answer.status_code for answer in answers] == [200] * 4
    assert len({event.message_id for event in email.events}) == 1
    assert len({event.id for event in email.events}) == 5


async def test_a_mailgun_token_stands_for_one_mail(serving: Any) -> None:
    """Mailgun's signature does not cover the mail: somebody who has read one cannot send another with it."""
    async with serving() as email:
        calls = await opened(email)
        first = await calls.send("mailgun")
        again = await calls.send("mailgun")
        forged = await calls.send("mailgun", RAW + b"forged")
        other = await calls.send("mailgun", RAW + b"other", token="token-2")

    assert [answer.status_code for answer in (first, again, forged, other)] == [200, 200, 406, 200]
    assert forged.json()["code"] == "token_reused"


async def test_postmark_may_be_known_by_its_addresses(serving: Any) -> None:
    """Where only addresses are set, the caller's must be among them."""
    async with serving() as email:
        calls = await opened(email)
        await email.book.area.patch("acc_1", {"postmark": {"password": None, "ips": ["198.51.100.0/24"]}})
        inside = await calls.send("postmark", secret="none")
        await email.book.area.patch("acc_1", {"postmark": {"ips": ["192.0.2.1"]}})
        outside = await calls.send("postmark", secret="none")

    assert (inside.status_code, outside.status_code) == (200, 401)


def _obstruct(folder: Path) -> None:
    """Put a file where the folder should be: that stops even a test that runs as root."""
    folder.write_text("in the way")


async def test_unwritable_blobs_are_asked_for_again(serving: Any) -> None:
    """A mail that cannot be stored is not acknowledged (X0)."""
    async with serving() as email:
        calls = await opened(email)
        _obstruct(email.platform.settings.home / "blobs")
        answer = await calls.send("sendgrid")

    assert answer.status_code == 503
