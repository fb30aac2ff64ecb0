"""Automatic mail says how to end it, and ends when somebody says so (X8, RFC 8058)."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Literal

import httpx

from contracts.deliveries import DeliveryUpdated
from contracts.envelope import Event
from contracts.ids import derive_id
from contracts.outbound import MailThreading, OutboundMessageRequested
from contracts.people import Party
from contracts.settings import SettingsChanged, SupportAddress
from contracts.topics import DELIVERY_EVENTS
from notifier.app import create_service
from notifier.mail import compose_mail
from notifier.unsubscribe import UnsubscribeLinks
from service_kit.bus import Subscription
from service_kit.signing import Signer
from service_kit.testing.eventually import eventually
from service_kit.testing.platforms import PlatformFactory

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
KEY = "k" * 32


def request(name: str, purpose: Literal["reply", "follow_up"]) -> OutboundMessageRequested:
    """A mail to send."""
    return OutboundMessageRequested(
        id=f"evt_{name}",
        account_id="acc_1",
        time=NOON,
        message_id=f"msg_{name}",
        channel="email",
        purpose=purpose,
        contact_key="zoe",
        recipient=Party(email="zoe@customer.example"),
        sender="support@acme.example",
        text="What you missed.",
        mail=MailThreading(message_id=f"{name}@acme.example"),
    )


def test_only_what_we_signed_names_a_delivery() -> None:
    """A token leads to its delivery; a changed one, or one of another key, leads nowhere."""
    links = UnsubscribeLinks(Signer(KEY), "https://desk.example")
    link = links.link_of("msg_a")
    token = link.rpartition("/")[2]
    changed = ("a" if token[0] != "a" else "b") + token[1:]

    assert link.startswith("https://desk.example/u/")
    assert links.delivery_of(token) == derive_id("del", "msg_a")
    assert links.delivery_of(changed) is None
    assert links.delivery_of("") is None
    assert UnsubscribeLinks(Signer("x" * 32), "https://desk.example").delivery_of(token) is None


def test_the_link_travels_unbroken() -> None:
    """However long it is the link stays one word, and one click is offered only where the link is secure."""
    link = f"https://desk.{'long-' * 12}example/u/{'a' * 40}"
    secure = compose_mail(request("a", "follow_up"), SupportAddress(), [], NOON, link).as_bytes()
    plain = compose_mail(request("a", "follow_up"), SupportAddress(), [], NOON, "http://localhost/u/a").as_bytes()

    assert f"\r\nList-Unsubscribe: <{link}>\r\n".encode() in secure
    assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in secure
    assert b"List-Unsubscribe: <http://localhost/u/a>" in plain
    assert b"List-Unsubscribe-Post" not in plain


def _mails(outbox: Path) -> dict[str, EmailMessage]:
    """The mails that left, by Message-ID."""
    read = [message_from_bytes(path.read_bytes(), policy=default) for path in outbox.glob("*.eml")]
    return {str(mail["Message-ID"]): mail for mail in read}


async def test_who_unsubscribes_gets_no_automatic_mail_and_every_reply(make_platform: PlatformFactory) -> None:
    """The link of an automatic mail asks, then ends such mail to that customer; replies by a person still leave."""
    platform = make_platform("notifier")
    service = create_service(platform)
    outbox = platform.settings.home / "outbox" / "new"
    facts = {"id": "evt_s", "account_id": "acc_1", "time": NOON, "area": "email", "version": 1, "value": {}}
    listener = make_platform("tickets")
    ended: dict[str, DeliveryUpdated] = {}

    async def note(events: Sequence[Event]) -> None:
        ended.update({event.message_id: event for event in events if isinstance(event, DeliveryUpdated)})

    listener.bus.subscribe(Subscription(DELIVERY_EVENTS, "tickets", note))
    await listener.bus.start()
    transport = httpx.ASGITransport(app=service.api)
    async with (
        make_platform.running((service, platform)),
        httpx.AsyncClient(transport=transport, base_url="http://desk.example") as http,
    ):
        await platform.bus.publish([SettingsChanged.model_validate(facts), request("a", "follow_up")])
        first = await eventually(lambda: _mails(outbox).get("<a@acme.example>"))
        link = str(first["List-Unsubscribe"]).strip("<>")
        path = re.sub(r"^https?://[^/]+", "", link)
        asked = await http.get(path)
        done = [await http.post(path, content=b"List-Unsubscribe=One-Click") for _ in range(2)]
        forged = await http.post(path[:-1] + ("a" if path[-1] != "a" else "b"))
        await platform.bus.publish([request("b", "follow_up"), request("c", "reply")])
        refused = await eventually(lambda: ended.get("msg_b"))
        reply = await eventually(lambda: _mails(outbox).get("<c@acme.example>"))
    await listener.bus.stop()

    assert '<form method="post">' in asked.text
    assert [answer.status_code for answer in done] == [200, 200]
    assert forged.status_code == 404
    assert "List-Unsubscribe" not in reply
    assert (refused.state, refused.reason) == ("failed", "zoe@customer.example wants no automatic mail")
    assert "<b@acme.example>" not in _mails(outbox)
