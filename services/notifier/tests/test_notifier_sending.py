"""Replies on their way out, against a real SMTP server and a real HTTP peer that say what a test wants."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from email import message_from_bytes
from pathlib import Path

import httpx
import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from standardwebhooks import Webhook as StandardWebhook

from contracts.deliveries import DeliveryUpdated
from contracts.envelope import Event
from contracts.ids import derive_id
from contracts.outbound import MailThreading, OutboundMessageRequested
from contracts.people import Actor, Party
from contracts.settings import SettingsChanged
from contracts.tickets import TicketCreated, TicketFacts
from contracts.topics import DELIVERY_EVENTS
from notifier.app import create_service
from service_kit.auth import Principal
from service_kit.auth.credentials import Credentials, hash_token
from service_kit.bus import Subscription
from service_kit.platform import Platform
from service_kit.service import Service
from service_kit.settings_copies import SETTINGS_COPIES, copy_id
from service_kit.testing.eventually import eventually
from service_kit.testing.platforms import PlatformFactory

ACCOUNT = "acc_1"
NUMBER = "+12025550199"
Running = Callable[..., AbstractAsyncContextManager[None]]


class Relay:
    """An SMTP server that answers the end of data with what stands in `answers`, then with 250."""

    def __init__(self) -> None:
        self.answers: list[str] = []
        self.mails: list[bytes] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Take a mail."""
        answer = self.answers.pop(0) if self.answers else "250 2.0.0 queued"
        if answer.startswith("250"):
            self.mails.append(envelope.original_content or b"")
        return answer


class Peer:
    """An HTTP server that records requests and answers with what stands in `answers`, then with 201 and a SID."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, object]]] = []
        self.requests: list[tuple[str, dict[str, str], bytes]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request a connection."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        lines = head.split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
        raw = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.requests.append((lines[0], {name.lower(): value for name, value in raw.items()}, body))
        status, answer = self.answers.pop(0) if self.answers else (201, {"sid": f"SM{len(self.requests)}"})
        content = json.dumps(answer).encode()
        writer.write(f"HTTP/1.1 {status} x\r\nContent-Length: {len(content)}\r\nConnection: close\r\n\r\n".encode())
        writer.write(content)
        await writer.drain()
        writer.close()


class Office:
    """A running notifier with its outside world."""

    def __init__(self, service: Service, platform: Platform, relay: Relay, peer: Peer, peer_url: str) -> None:
        self.service = service
        self.platform = platform
        self.relay = relay
        self.peer = peer
        self.peer_url = peer_url
        self.heard: list[DeliveryUpdated] = []

    async def take(self, events: Sequence[Event]) -> None:
        """Remember what was reported."""
        self.heard.extend(event for event in events if isinstance(event, DeliveryUpdated))

    async def states(self, count: int) -> list[str]:
        """The reported states, once there are `count`."""
        await eventually(lambda: len(self.heard) >= count)
        return [event.state for event in self.heard]

    def http(self) -> httpx.AsyncClient:
        """A client with the owner's key."""
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.service.api),
            base_url="http://desk.example",
            headers={"Authorization": "Bearer dbk_owner"},
        )


Open = Callable[..., AbstractAsyncContextManager[Office]]


@pytest.fixture
def office(make_platform: PlatformFactory, running: Running, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Opens a notifier whose relay and providers are servers of this test."""

    @asynccontextmanager
    async def open_office(*, relay_running: bool = True) -> AsyncIterator[Office]:
        relay, peer = Relay(), Peer()
        loop = asyncio.get_running_loop()
        smtp = await loop.create_server(lambda: SMTP(relay, hostname="relay.example", loop=loop), "127.0.0.1", 0)
        http = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
        smtp_port, http_port = smtp.sockets[0].getsockname()[1], http.sockets[0].getsockname()[1]
        if not relay_running:
            smtp.close()
        platform = make_platform("notifier")
        settings = platform.settings.model_copy(update={"smtp_relay_url": f"smtp://127.0.0.1:{smtp_port}"})
        object.__setattr__(platform, "settings", settings)
        service = create_service(platform)
        office = Office(service, platform, relay, peer, f"http://127.0.0.1:{http_port}")
        listener = make_platform("tickets")
        listener.bus.subscribe(Subscription(DELIVERY_EVENTS, "tickets", office.take))
        await listener.bus.start()
        try:
            async with running(service):
                await _open_account(platform, office.peer_url)
                yield office
        finally:
            await listener.bus.stop()
            smtp.close()
            http.close()

    return open_office


async def _open_account(platform: Platform, peer_url: str) -> None:
    owner = Principal(
        account_id=ACCOUNT,
        kind="agent",
        agent_id="agt_1",
        role="owner",
        scopes=frozenset({"*"}),
        credential_id="key_1",
    )
    await Credentials(platform.redis, platform.clock).put(hash_token("dbk_owner"), owner, expires_at=None)
    token = platform.secrets.encrypt("auth-token")
    number = {"provider": "twilio", "account_sid": "AC1", "auth_tokens": [token]}
    areas = {
        "account": {"name": "Acme"},
        "email": {"addresses": {"support@acme.example": {"from_name": "Acme", "signature": ""}}},
        "sms": {"numbers": {NUMBER: number}, "api_base_url": peer_url},
    }
    await platform.bus.publish(
        [
            SettingsChanged.model_validate(
                {
                    "id": derive_id("evt", area),
                    "account_id": ACCOUNT,
                    "time": datetime.now(UTC),
                    "area": area,
                    "version": 1,
                    "value": value,
                }
            )
            for area, value in areas.items()
        ]
    )


def reply(name: str, *, channel: str = "email", text: str = "On its way.") -> OutboundMessageRequested:
    """A reply to send."""
    return OutboundMessageRequested.model_validate(
        {
            "id": f"evt_{name}",
            "account_id": ACCOUNT,
            "time": datetime.now(UTC),
            "message_id": f"msg_{name}",
            "ticket_id": "tic_1",
            "channel": channel,
            "purpose": "reply",
            "contact_key": "zoe",
            "recipient": Party(email="zoe@customer.example", phone="+12025550123", visitor_id="vis_1"),
            "sender": NUMBER if channel == "sms" else "support@acme.example",
            "text": text,
            "mail": MailThreading(message_id=f"{name}@acme.example") if channel == "email" else None,
        }
    )


async def test_a_reply_leaves_once_however_often_it_is_asked_for(office: Open) -> None:
    """A repeated request is one mail under one Message-ID, reported sent (I8)."""
    async with office() as open_office:
        for _ in range(3):
            await open_office.platform.bus.publish([reply("a"), reply("a")])
        states = await open_office.states(1)
        await open_office.platform.bus.publish([reply("b")])
        await eventually(lambda: len(open_office.relay.mails) == 2)
        ids = [message_from_bytes(mail)["Message-ID"] for mail in open_office.relay.mails]

    assert states == ["sent"]
    assert ids == ["<a@acme.example>", "<b@acme.example>"]


async def test_a_permanent_refusal_is_shown_with_its_reason(office: Open) -> None:
    """A 5xx fails the delivery with the relay's own words (X8)."""
    async with office() as open_office:
        open_office.relay.answers = ["550 5.1.1 no such user"]
        await open_office.platform.bus.publish([reply("a")])
        states = await open_office.states(1)
        async with open_office.http() as http:
            listed = (await http.get("/v1/deliveries", params={"state": "failed"})).json()

    assert states == ["failed"]
    assert [one["reason"] for one in listed["items"]] == ["550 5.1.1 no such user"]
    assert "text" not in listed["items"][0]


@pytest.mark.parametrize(("relay_running", "answers"), [(True, ["451 4.3.0 busy"]), (False, [])], ids=["4xx", "away"])
async def test_a_temporary_refusal_stays_queued(office: Open, answers: list[str], *, relay_running: bool) -> None:
    """A 4xx, or a relay that is away, is tried again later and said so meanwhile (X8)."""
    async with office(relay_running=relay_running) as open_office:
        open_office.relay.answers = answers
        await open_office.platform.bus.publish([reply("a")])
        states = await open_office.states(1)

    assert states == ["queued"]


async def test_without_a_relay_mail_goes_to_a_maildir(
    make_platform: PlatformFactory, running: Running, tmp_path: Path
) -> None:
    """On a machine without a relay each mail is a file, the same one when it is sent again."""
    platform = make_platform("notifier")
    async with running(create_service(platform)):
        await _open_account(platform, "http://127.0.0.1:9")
        await platform.bus.publish([reply("a")])
        await eventually(lambda: list((tmp_path / "outbox" / "new").glob("*.eml")))
        (mail,) = (tmp_path / "outbox" / "new").glob("*.eml")

    assert message_from_bytes(mail.read_bytes())["Message-ID"] == "<a@acme.example>"


async def test_an_sms_leaves_through_the_provider_with_a_short_link(office: Open) -> None:
    """The provider gets number, text with its link shortened, and where to report; the link leads on (M8, M11)."""
    link = "https://shop.example/orders/1001/a-rather-long-path/indeed/it/is"
    async with office() as open_office:
        await open_office.platform.bus.publish([reply("s", channel="sms", text=f"See {link}.")])
        states = await open_office.states(1)
        request, headers, body = open_office.peer.requests[0]
        form = httpx.QueryParams(body.decode())
        code = form["Body"].rsplit("/", 1)[1].rstrip(".")
        async with open_office.http() as http:
            followed = await http.get(f"/s/{code}")
            unknown = await http.get("/s/000000000000")

    assert states == ["sent"]
    assert request == "POST /2010-04-01/Accounts/AC1/Messages.json HTTP/1.1"
    assert headers["authorization"].startswith("Basic ")
    assert (form["From"], form["To"]) == (NUMBER, "+12025550123")
    assert "message=msg_s&ticket=tic_1" in form["StatusCallback"]
    assert (followed.status_code, followed.headers["location"]) == (302, link)
    assert unknown.status_code == 404


async def test_a_provider_that_refuses_fails_the_message(office: Open) -> None:
    """A 4xx of the provider ends the delivery with its code."""
    async with office() as open_office:
        open_office.peer.answers = [(400, {"code": 21610})]
        await open_office.platform.bus.publish([reply("s", channel="sms")])
        states = await open_office.states(1)

    assert states == ["failed"]
    assert open_office.heard[0].reason == "Twilio answered 400, error 21610"


async def test_a_message_that_could_not_be_prepared_is_not_in_doubt(office: Open) -> None:
    """While settings are missing nothing is handed over: the message waits, and is plainly sent later (I8)."""
    async with office() as open_office:
        stranger = reply("x").model_copy(update={"account_id": "acc_unheard_of"})
        await open_office.platform.bus.publish([stranger])
        states = await open_office.states(1)

    assert states == ["queued"]
    assert open_office.relay.mails == []


async def test_a_forbidden_provider_address_fails_the_message(office: Open) -> None:
    """A provider's URL that may never be called ends the delivery at once (S4)."""
    async with office() as open_office:
        changed = SettingsChanged.model_validate(
            {
                "id": "evt_link_local",
                "account_id": ACCOUNT,
                "time": datetime.now(UTC),
                "area": "sms",
                "version": 2,
                "value": {
                    "numbers": {
                        NUMBER: {
                            "provider": "twilio",
                            "account_sid": "AC1",
                            "auth_tokens": [open_office.platform.secrets.encrypt("t")],
                        }
                    },
                    "api_base_url": "http://169.254.169.254/",
                },
            }
        )
        await open_office.platform.bus.publish([changed])

        async def is_known() -> bool:
            copy = await open_office.platform.store.collection(SETTINGS_COPIES).get(copy_id(ACCOUNT, "sms"))
            return copy is not None and copy.version == changed.version

        await eventually(is_known)
        await open_office.platform.bus.publish([reply("a", channel="sms")])
        states = await open_office.states(1)

    assert states == ["failed"]
    assert open_office.peer.requests == []


async def test_chat_is_left_to_its_own_gateway(office: Open) -> None:
    """Web chat messages make no delivery here."""
    async with office() as open_office:
        await open_office.platform.bus.publish([reply("c", channel="web_chat"), reply("m")])
        await open_office.states(1)
        async with open_office.http() as http:
            listed = (await http.get("/v1/deliveries")).json()

    assert [one["message_id"] for one in listed["items"]] == ["msg_m"]


def created(name: str) -> TicketCreated:
    """A ticket event for webhooks."""
    now = datetime.now(UTC)
    facts = TicketFacts(
        id="tic_1",
        number=1,
        channel="email",
        status="open",
        contact_id="con_1",
        assignment_epoch=1,
        version=1,
        created_at=now,
        cycle_opened_at=now,
    )
    return TicketCreated(
        id=f"evt_{name}",
        account_id=ACCOUNT,
        time=now,
        ticket_id="tic_1",
        seq=1,
        actor=Actor(kind="customer"),
        cause="customer_message",
        ticket=facts,
    )


async def test_a_webhook_is_signed_and_tried_again_under_the_same_id(office: Open) -> None:
    """A subscriber gets each event signed, again after a failure, once as one id (E2)."""
    async with office() as open_office:
        open_office.peer.answers = [(500, {}), (200, {})]
        async with open_office.http() as http:
            body = {"url": f"{open_office.peer_url}/hook", "events": ["support.ticket.*"]}
            webhook = (await http.post("/v1/webhooks", json=body)).json()
            for _ in range(2):
                await open_office.platform.bus.publish([created("w")])
            await eventually(lambda: len(open_office.peer.requests) == 2)
            path = f"/v1/webhooks/{webhook['id']}/deliveries"

            async def has_arrived() -> bool:
                return bool((await http.get(path)).json()["items"][0]["state"] == "delivered")

            await eventually(has_arrived)
            listed = (await http.get(path)).json()["items"]
            shown = (await http.get(f"/v1/webhooks/{webhook['id']}")).json()
        requests = open_office.peer.requests
        events = [
            StandardWebhook(webhook["secret"]).verify(content.decode(), headers) for _, headers, content in requests
        ]

    assert [event["data"]["seq"] for event in events] == [1, 1]
    assert len({headers["webhook-id"] for _, headers, _ in requests}) == 1
    assert [(one["state"], one["attempt"]) for one in listed] == [("delivered", 2)]
    assert "secret" not in shown
