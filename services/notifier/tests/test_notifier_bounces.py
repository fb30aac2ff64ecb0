"""Mails that come back: what is for good, whom that concerns, and what becomes of later mail to them (X7)."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from contracts.deliveries import DeliveryUpdated
from contracts.envelope import Event
from contracts.ids import derive_id
from contracts.mail import MailBounced
from contracts.outbound import MailThreading, OutboundMessageRequested
from contracts.people import Party
from contracts.settings import SettingsChanged
from contracts.topics import DELIVERY_EVENTS
from notifier.app import create_service
from notifier.bounce import is_for_good
from service_kit.auth import Principal
from service_kit.auth.credentials import Credentials, hash_token
from service_kit.bus import Bus, Subscription
from service_kit.platform import Platform
from service_kit.testing.eventually import eventually
from service_kit.testing.platforms import PlatformFactory

ACCOUNT = "acc_1"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
ZOE = "zoe@customer.example"
Running = Callable[..., AbstractAsyncContextManager[None]]


def bounce(
    name: str = "a",
    *,
    recipient: str = ZOE,
    status: str | None = "5.1.1",
    diagnostic: str | None = "550 5.1.1 no such user",
    account_id: str = ACCOUNT,
) -> MailBounced:
    """What a mail server says about the reply of that name."""
    return MailBounced(
        id=derive_id("evt", account_id, name, recipient, str(status)),
        account_id=account_id,
        time=NOON,
        message_id=f"msg_{name}",
        ticket_id="tic_1",
        recipient=recipient,
        status=status,
        diagnostic=diagnostic,
        report_delivery_id="dlv_1",
    )


@pytest.mark.parametrize(
    ("status", "diagnostic", "expected"),
    [
        ("5.1.1", None, True),
        ("5.1.10", "556 5.1.10 domain takes no mail", True),
        ("5.0.0", "550 5.1.1 unknown user", True),
        ("5.2.1", "mailbox disabled", True),
        ("5.2.2", "552 5.2.2 mailbox full", False),
        ("5.7.1", "550 5.7.1 message refused by policy", False),
        ("4.4.7", "message expired", False),
        (None, "no such user", False),
        (None, None, False),
    ],
)
def test_only_an_address_that_is_no_more_is_suppressed(
    status: str | None, diagnostic: str | None, *, expected: bool
) -> None:
    """Full mailboxes, policies and delays may be over tomorrow."""
    assert is_for_good(bounce(status=status, diagnostic=diagnostic)) is expected


class Office:
    """A running notifier without a relay: its mails are in the maildir of its home."""

    def __init__(self, platform: Platform, http: httpx.AsyncClient) -> None:
        self.bus: Bus = platform.bus
        self.http = http
        self.heard: list[DeliveryUpdated] = []
        self._outbox = platform.settings.home / "outbox" / "new"

    async def take(self, events: Sequence[Event]) -> None:
        """Remember what was reported."""
        self.heard.extend(event for event in events if isinstance(event, DeliveryUpdated))

    async def reply(self, name: str, *, to: str = ZOE, cc: tuple[str, ...] = ()) -> DeliveryUpdated:
        """Send a reply; what became of it."""
        mail = MailThreading(message_id=f"{name}@acme.example", cc=cc)
        request = OutboundMessageRequested(
            id=f"evt_{name}",
            account_id=ACCOUNT,
            time=NOON,
            message_id=f"msg_{name}",
            ticket_id="tic_1",
            channel="email",
            purpose="reply",
            contact_key=to,
            recipient=Party(email=to),
            sender="support@acme.example",
            text="On its way.",
            mail=mail,
        )
        await self.bus.publish([request])
        return (await self.reports(name, 1))[0]

    async def reports(self, name: str, count: int) -> list[DeliveryUpdated]:
        """What was reported of a reply, once that is so many."""
        await eventually(lambda: len(self._of(name)) >= count)
        return self._of(name)

    async def suppressed(self) -> list[dict[str, str]]:
        """The list of suppressed addresses."""
        items: list[dict[str, str]] = (await self.http.get("/v1/suppressions")).json()["items"]
        return items

    def envelopes(self) -> list[str]:
        """Whom the mails left for."""
        return sorted(_delivered_to(path) for path in self._outbox.glob("*.eml"))

    def _of(self, name: str) -> list[DeliveryUpdated]:
        return [event for event in self.heard if event.message_id == f"msg_{name}"]


def _delivered_to(path: Path) -> str:
    return path.read_text().splitlines()[1].removeprefix("Delivered-To: ")


Open = Callable[[], AbstractAsyncContextManager[Office]]


@pytest.fixture
def office(make_platform: PlatformFactory, running: Running) -> Open:
    """Opens a notifier with an account."""

    @asynccontextmanager
    async def open_office() -> AsyncIterator[Office]:
        platform, listener = make_platform("notifier"), make_platform("tickets")
        service = create_service(platform)
        transport = httpx.ASGITransport(app=service.api)
        headers = {"Authorization": "Bearer dbk_owner"}
        async with httpx.AsyncClient(transport=transport, base_url="http://desk.example", headers=headers) as http:
            opened = Office(platform, http)
            listener.bus.subscribe(Subscription(DELIVERY_EVENTS, "tickets", opened.take))
            await listener.bus.start()
            async with running(service):
                await _open_account(platform)
                yield opened
            await listener.bus.stop()

    return open_office


async def _open_account(platform: Platform) -> None:
    owner = Principal(
        account_id=ACCOUNT,
        kind="agent",
        agent_id="agt_1",
        role="owner",
        scopes=frozenset({"*"}),
        credential_id="key_1",
    )
    await Credentials(platform.redis, platform.clock).put(hash_token("dbk_owner"), owner, expires_at=None)
    facts = {"id": "evt_s", "account_id": ACCOUNT, "time": NOON, "area": "email", "version": 1, "value": {}}
    await platform.bus.publish([SettingsChanged.model_validate(facts)])


async def test_a_bounced_reply_has_failed_and_says_why(office: Open) -> None:
    """The delivery that was sent fails with the other server's words, once, however often the report comes."""
    async with office() as opened:
        sent = await opened.reply("a")
        await opened.bus.publish([bounce(), bounce()])
        failed = (await opened.reports("a", 2))[1]
        await opened.reply("b", to="other@customer.example")
        listed = (await opened.http.get("/v1/deliveries", params={"state": "failed"})).json()["items"]

    assert (sent.state, failed.state) == ("sent", "failed")
    assert failed.reason == "bounced: 550 5.1.1 no such user"
    assert [one["message_id"] for one in listed] == ["msg_a"]
    assert len(await opened.reports("a", 2)) == 2


async def test_a_later_reply_to_a_suppressed_address_fails_until_that_is_lifted(office: Open) -> None:
    """Nothing is sent to an address that is no more; the reason says how to let mail through again."""
    async with office() as opened:
        await opened.reply("a")
        await opened.bus.publish([bounce(recipient=ZOE.upper())])
        await opened.reports("a", 2)
        refused = await opened.reply("b")
        listed = await opened.suppressed()
        lifted = await opened.http.delete(f"/v1/suppressions/{ZOE}")
        again = await opened.http.delete(f"/v1/suppressions/{ZOE}")
        taken = await opened.reply("c")

    assert refused.state == "failed"
    assert refused.reason is not None
    assert "550 5.1.1 no such user" in refused.reason
    assert f"DELETE /v1/suppressions/{ZOE}" in refused.reason
    assert [(one["address"], one["message_id"]) for one in listed] == [(ZOE, "msg_a")]
    assert (lifted.status_code, again.status_code) == (204, 404)
    assert taken.state == "sent"
    assert opened.envelopes() == [ZOE, ZOE]


async def test_a_bounce_that_is_not_for_good_suppresses_nobody(office: Open) -> None:
    """A full mailbox fails this mail, and the next one is tried."""
    async with office() as opened:
        await opened.reply("a")
        await opened.bus.publish([bounce(status="5.2.2", diagnostic="552 5.2.2 mailbox full")])
        await opened.reports("a", 2)
        next_one = await opened.reply("b")
        listed = await opened.suppressed()

    assert next_one.state == "sent"
    assert listed == []


async def test_a_bounce_of_somebody_in_copy_fails_nothing(office: Open) -> None:
    """The customer has the mail; who was in copy and is no more is told of, and left out from then on."""
    async with office() as opened:
        await opened.reply("a", cc=("bob@customer.example",))
        await opened.bus.publish([bounce(recipient="bob@customer.example")])
        await eventually(opened.suppressed)
        told = await opened.reports("a", 2)
        second = await opened.reply("b", cc=("bob@customer.example", "eve@customer.example"))

    assert second.state == "sent"
    assert [(event.state, event.reason) for event in told] == [
        ("sent", None),
        ("sent", "not in copy: bob@customer.example: bounced: 550 5.1.1 no such user"),
    ]
    assert opened.envelopes() == sorted([f"{ZOE}, bob@customer.example", f"{ZOE}, eve@customer.example"])


async def test_a_bounce_of_what_was_never_sent_changes_nothing(office: Open) -> None:
    """Reports that name another recipient, account or message suppress nobody (S4)."""
    async with office() as opened:
        await opened.reply("a")
        await opened.bus.publish(
            [
                bounce(recipient="victim@customer.example"),
                bounce(account_id="acc_2"),
                bounce("never"),
                bounce(status="5.2.2", diagnostic=None),
            ]
        )
        await opened.reports("a", 2)
        listed = await opened.suppressed()

    assert listed == []
