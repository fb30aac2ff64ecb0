"""Twilio's webhooks through the real application, bus and store."""

import base64
import hashlib
import hmac
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime

import httpx
import pytest

from contracts.contacts import ContactChanged, ContactUpdated, NumberConsent
from contracts.deliveries import DeliveryUpdated
from contracts.envelope import Event
from contracts.inbound import InboundMessageReceived
from contracts.intake import IntakeVerdictRecorded
from contracts.outbound import OutboundMessageRequested
from contracts.settings import SettingsChanged
from contracts.topics import CONTACT_EVENTS, DELIVERY_EVENTS, INBOUND_MESSAGES, INTAKE_VERDICTS, OUTBOUND_MESSAGES
from ingest_sms.app import create_service
from ingest_sms.settings import SmsIngestSettings
from ingest_sms.store import SmsStore, phone_id
from service_kit.auth import Principal
from service_kit.auth.credentials import Credentials, hash_token
from service_kit.bus import Subscription
from service_kit.platform import Platform
from service_kit.testing.eventually import eventually
from service_kit.testing.platforms import PlatformFactory

ACCOUNT = "acc_1"
NUMBER = "+12025550199"
TOKEN = "twilio-token"
Running = Callable[..., AbstractAsyncContextManager[None]]


class Heard:
    """What left the service, per event class."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    async def take(self, events: Sequence[Event]) -> None:
        """Remember."""
        self.events.extend(events)

    def of(self, kind: type[Event]) -> list[Event]:
        """Those of one class, in order."""
        return [event for event in self.events if isinstance(event, kind)]


class Desk:
    """A running ingest-sms, and what it said."""

    def __init__(self, http: httpx.AsyncClient, heard: Heard, platform: Platform, tickets: Platform) -> None:
        self.http = http
        self.heard = heard
        self._store = SmsStore(platform.store)
        self._tickets = tickets

    async def sms(self, text: str, *, sid: str = "SM1", sender: str = "+12025550123", token: str = TOKEN) -> int:
        """Post one signed webhook; the status."""
        form = {"MessageSid": sid, "From": sender, "To": NUMBER, "Body": text, "NumMedia": "0"}
        return await self.post("/v1/sms/twilio/inbound", form, token)

    async def post(self, path: str, form: dict[str, str], token: str = TOKEN) -> int:
        """Post a form signed as Twilio does; the status."""
        signed = f"http://desk.example{path}" + "".join(f"{name}{form[name]}" for name in sorted(form))
        digest = hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest()
        headers = {"X-Twilio-Signature": base64.b64encode(digest).decode()}
        return (await self.http.post(path, data=form, headers=headers)).status_code

    async def knows(self, *, version: int, stopped: bool) -> None:
        """Tickets tells of the sender's consent, and the gateway has taken it in."""
        phone, now = "+12025550123", datetime.now(UTC)
        changed = ContactChanged(
            id=f"evt_contact_{version}",
            account_id=ACCOUNT,
            time=now,
            contact_id="con_1",
            version=version,
            phones=(phone,),
            sms_consent={phone: NumberConsent(marketing=False, transactional=False, stopped=stopped, updated_at=now)},
        )
        await self._tickets.bus.publish([changed])
        key = phone_id(ACCOUNT, phone)

        async def is_known() -> bool:
            known = (await self._store.consents([key])).get(key)
            return known is not None and known.contact_version == version

        await eventually(is_known)

    async def said(self, kind: type[Event], count: int) -> list[Event]:
        """The events of a class, once there are `count`."""
        await eventually(lambda: len(self.heard.of(kind)) >= count)
        return self.heard.of(kind)


Open = Callable[..., AbstractAsyncContextManager[Desk]]


@pytest.fixture
def desk(make_platform: PlatformFactory, running: Running) -> Open:
    """Opens a running service with one account and one number."""

    @asynccontextmanager
    async def open_desk(**settings: object) -> AsyncIterator[Desk]:
        platform = make_platform("ingest-sms")
        listener = make_platform("tickets")
        service = create_service(platform, SmsIngestSettings(quarantine_per_source=2))
        heard = Heard()
        for topic in (INBOUND_MESSAGES, INTAKE_VERDICTS, CONTACT_EVENTS, DELIVERY_EVENTS):
            listener.bus.subscribe(Subscription(topic, "tickets", heard.take))
        notifier = make_platform("notifier")
        notifier.bus.subscribe(Subscription(OUTBOUND_MESSAGES, "notifier", heard.take))
        await listener.bus.start()
        await notifier.bus.start()
        async with running(service):
            transport = httpx.ASGITransport(app=service.api)
            async with httpx.AsyncClient(transport=transport, base_url="http://desk.example") as http:
                await _open_account(platform, http, settings)
                yield Desk(http, heard, platform, listener)
        await listener.bus.stop()
        await notifier.bus.stop()

    return open_desk


async def _open_account(platform: Platform, http: httpx.AsyncClient, settings: dict[str, object]) -> None:
    owner = Principal(
        account_id=ACCOUNT,
        kind="agent",
        agent_id="agt_1",
        role="owner",
        scopes=frozenset({"*"}),
        credential_id="key_1",
    )
    await Credentials(platform.redis, platform.clock).put(hash_token("dbk_owner"), owner, expires_at=None)
    changed = SettingsChanged(
        id="evt_1", account_id=ACCOUNT, time=datetime.now(UTC), area="account", version=1, value={"name": "Acme"}
    )
    await platform.bus.publish([changed])
    number = {"provider": "twilio", "account_sid": "AC1", "auth_tokens": [TOKEN]}
    patch = {"numbers": {NUMBER: number}, **settings}

    async def is_patched() -> bool:
        answer = await http.patch("/v1/settings/sms", json=patch, headers={"Authorization": "Bearer dbk_owner"})
        return answer.status_code == 200

    await eventually(is_patched)


async def test_a_signed_sms_is_on_the_bus_before_twilio_hears_so(desk: Open) -> None:
    """A signed webhook becomes an inbound message, the same one for every delivery of it (I3, I4)."""
    async with desk() as open_desk:
        statuses = [await open_desk.sms("Hi", sid="SM7"), await open_desk.sms("Hi", sid="SM7")]
        first, second = await open_desk.said(InboundMessageReceived, 2)

    assert statuses == [200, 200]
    assert isinstance(first, InboundMessageReceived)
    assert isinstance(second, InboundMessageReceived)
    assert (first.channel, first.contact_key, first.text) == ("sms", "+12025550123", "Hi")
    assert first.message_id == second.message_id
    assert first.id != second.id


async def test_a_wrong_signature_is_refused_and_kept_within_a_cap(desk: Open) -> None:
    """A forged or mis-keyed webhook gets 403 and quarantine, at most so many per source (M2, I6)."""
    async with desk() as open_desk:
        statuses = [await open_desk.sms("Hi", sid=f"SM{place}", token="wrong") for place in range(4)]
        verdicts = await open_desk.said(IntakeVerdictRecorded, 2)
        passed = await open_desk.sms("Hi", sid="SM9")
        await open_desk.said(InboundMessageReceived, 1)
        verdicts = open_desk.heard.of(IntakeVerdictRecorded)

    assert statuses == [403] * 4
    assert passed == 200
    assert [(v.verdict, v.reason) for v in verdicts if isinstance(v, IntakeVerdictRecorded)] == [
        ("quarantined", "bad_signature")
    ] * 2


async def test_observe_mode_lets_a_wrong_signature_through(desk: Open) -> None:
    """While a new secret is watched, nothing is refused (M2)."""
    async with desk(signature_mode="observe") as open_desk:
        status = await open_desk.sms("Hi", token="wrong")
        await open_desk.said(InboundMessageReceived, 1)

    assert status == 200


async def test_stop_ends_consent_and_makes_no_message(desk: Open) -> None:
    """STOP changes consent, is recorded once as a keyword and then as a duplicate, and never reaches a ticket (M4)."""
    async with desk() as open_desk:
        for _ in range(2):
            await open_desk.sms("Stop", sid="SM2")
        verdicts = await open_desk.said(IntakeVerdictRecorded, 2)
        consents = await open_desk.said(ContactUpdated, 2)
        messages = open_desk.heard.of(InboundMessageReceived)

    assert [v.verdict for v in verdicts if isinstance(v, IntakeVerdictRecorded)] == ["keyword", "duplicate"]
    assert {c.id for c in consents} == {consents[0].id}
    assert isinstance(consents[0], ContactUpdated)
    assert consents[0].consent is not None
    assert consents[0].consent.sms is not None
    assert consents[0].consent.sms.stopped is True
    assert messages == []


async def test_a_start_just_after_a_stop_gives_consent_back(desk: Open) -> None:
    """Tickets need not have told of the STOP yet; told of it or not, a second START is a message (M4)."""
    async with desk() as open_desk:
        await open_desk.knows(version=1, stopped=False)
        for number, text in enumerate(("STOP", "START", "Start", "STOP")):
            await open_desk.sms(text, sid=f"SM{number}")
        await open_desk.knows(version=2, stopped=True)
        for number, text in enumerate(("YES", "YES"), start=4):
            await open_desk.sms(text, sid=f"SM{number}")
            await open_desk.knows(version=number, stopped=False)
        said = await open_desk.said(ContactUpdated, 4)
        messages = await open_desk.said(InboundMessageReceived, 4)

    stopped = [
        one.consent.sms.stopped for one in said if isinstance(one, ContactUpdated) and one.consent and one.consent.sms
    ]
    keywords = [one.sms.keyword for one in messages if isinstance(one, InboundMessageReceived) and one.sms]
    assert stopped == [True, False, True, False]
    assert keywords == ["START", None, "YES", None]


async def test_a_keyword_of_the_account_is_answered_once(desk: Open) -> None:
    """A configured keyword gets its answer under one id, and goes to tickets marked as a keyword (M4)."""
    async with desk(keywords={"MENU": {"text": "1: prices"}}) as open_desk:
        for _ in range(2):
            await open_desk.sms("menu", sid="SM3")
        answers = await open_desk.said(OutboundMessageRequested, 2)
        messages = await open_desk.said(InboundMessageReceived, 2)

    assert isinstance(answers[0], OutboundMessageRequested)
    assert (answers[0].purpose, answers[0].text) == ("keyword_answer", "1: prices")
    assert len({a.message_id for a in answers if isinstance(a, OutboundMessageRequested)}) == 1
    assert [m.sms.keyword for m in messages if isinstance(m, InboundMessageReceived) and m.sms] == ["MENU", "MENU"]


async def test_a_receipt_updates_the_message_it_names(desk: Open) -> None:
    """A signed status callback becomes a delivery event of the ticket it was asked for (M11)."""
    form = {"MessageSid": "SM4", "MessageStatus": "delivered", "From": NUMBER, "To": "+12025550123"}
    async with desk() as open_desk:
        status = await open_desk.post("/v1/sms/twilio/status?message=msg_1&ticket=tic_1", form)
        forged = await open_desk.post("/v1/sms/twilio/status?message=msg_1&ticket=tic_1", form, "wrong")
        (event,) = await open_desk.said(DeliveryUpdated, 1)

    assert (status, forged) == (204, 403)
    assert isinstance(event, DeliveryUpdated)
    assert (event.ticket_id, event.message_id, event.state) == ("tic_1", "msg_1", "delivered")


async def test_an_unknown_number_and_a_broken_form_are_clear_errors(desk: Open) -> None:
    """A number of no account is 404, a form without a message 422, an oversize body 413 (I7)."""
    async with desk() as open_desk:
        form = {"MessageSid": "SM5", "From": "+12025550123", "To": "+12025550100", "Body": "hi"}
        statuses = [
            await open_desk.post("/v1/sms/twilio/inbound", form),
            await open_desk.post("/v1/sms/twilio/inbound", {"Body": "hi"}),
            await open_desk.sms("x" * 2_000_000, sid="SM6"),
        ]

    assert statuses == [404, 422, 413]


async def test_a_number_has_one_owner(desk: Open) -> None:
    """Numbers are unique over accounts, must be numbers, and are free again once given up (M9)."""
    headers = {"Authorization": "Bearer dbk_owner"}
    async with desk() as open_desk:
        letters = await open_desk.http.patch("/v1/settings/sms", json={"numbers": {"ACME": {}}}, headers=headers)
        shown = (await open_desk.http.get("/v1/settings/sms", headers=headers)).json()
        dropped = await open_desk.http.patch("/v1/settings/sms", json={"numbers": {NUMBER: None}}, headers=headers)
        gone = await open_desk.sms("Hi")

    assert letters.status_code == 422
    assert letters.json()["code"] == "not_a_number"
    assert TOKEN not in str(shown)
    assert dropped.status_code == 200
    assert gone == 404
