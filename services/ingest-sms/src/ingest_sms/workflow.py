"""What becomes of an SMS: a message for tickets, a change of consent, or an answer to a keyword."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from contracts.campaigns import CampaignMessageSent
from contracts.contacts import Consent, ContactChanged, ContactIdentity, ContactUpdated, NumberConsent, SmsConsent
from contracts.envelope import Event
from contracts.ids import derive_id, new_id
from contracts.inbound import InboundMessageReceived, SmsDetails
from contracts.intake import IntakeVerdictRecorded
from contracts.outbound import OutboundMessageRequested
from contracts.people import Party
from contracts.settings import SmsSettings
from ingest_sms.attribution import attribute, with_send
from ingest_sms.keywords import Keyword, means_consent, recognise
from ingest_sms.model import Correspondent, KeywordSeen, NumberConsentCopy
from ingest_sms.phone_numbers import e164
from ingest_sms.store import SmsStore, phone_id
from ingest_sms.twilio import TwilioMessage
from service_kit.bus import Bus
from service_kit.clock import Clock
from service_kit.docstore import Fate
from service_kit.errors import TransientError

_ROUNDS = 8


@dataclass(frozen=True, slots=True)
class Arrival:
    """One delivery of one SMS: who, whose, when. `phone` is the sender as one key: E.164 where it is a number."""

    account_id: str
    delivery_id: str
    message_id: str
    phone: str
    number: str
    received_at: datetime
    message: TwilioMessage


class SmsWorkflow:
    """Takes messages in; returns only when everything that follows from one is on the bus."""

    def __init__(self, store: SmsStore, bus: Bus, clock: Clock) -> None:
        self._store = store
        self._bus = bus
        self._clock = clock

    async def take(
        self,
        account_id: str,
        number: str,
        message: TwilioMessage,
        settings: SmsSettings,
        *,
        delivery_id: str | None = None,
        received_at: datetime | None = None,
    ) -> str:
        """Take one SMS in and return its delivery id. One that was set aside brings its id and when it came.

        Raises:
            Unavailable: nothing was acknowledged by the bus or the store; the provider must try again.
        """
        arrival = Arrival(
            account_id=account_id,
            delivery_id=delivery_id or new_id("dlv"),
            message_id=derive_id("msg", account_id, "twilio", message.message_sid),
            phone=e164(message.sender) or message.sender,
            number=number,
            received_at=received_at or self._clock.now(),
            message=message,
        )
        keyword = recognise(message.text, settings.keywords)
        if keyword is not None and await self._is_command(arrival, keyword):
            await self._hear(arrival, keyword, "stop")
            await self._bus.publish(await self._after_keyword(arrival, keyword))
            await self._hear(arrival, keyword, "start")
        else:
            window = timedelta(hours=settings.attribution_hours)
            await self._bus.publish([inbound(arrival, campaign_id=await self._attribute(arrival, window))])
        return arrival.delivery_id

    async def remember_campaigns(self, events: Sequence[CampaignMessageSent]) -> None:
        """Note what campaigns sent, for attribution."""
        for _ in range(_ROUNDS):
            known = await self._store.correspondents([phone_id(event.account_id, event.phone) for event in events])
            changed = _with_campaigns(known, events)
            if all(fate is Fate.DONE for fate in await self._store.save_correspondents(changed)):
                return
        raise TransientError("campaign sends kept changing under us")

    async def remember_consents(self, events: Sequence[ContactChanged]) -> None:
        """Keep what tickets says of consent; older versions of a contact change nothing."""
        for _ in range(_ROUNDS):
            ids = [phone_id(event.account_id, phone) for event in events for phone in event.phones]
            changed = _with_consents(await self._store.consents(ids), events)
            if all(fate is Fate.DONE for fate in await self._store.save_consents(changed)):
                return
        raise TransientError("consents kept changing under us")

    async def _is_command(self, arrival: Arrival, keyword: Keyword) -> bool:
        if keyword.effect != "start":
            return True
        key = _key(arrival)
        consent = (await self._store.consents([key])).get(key)
        return means_consent(known=consent is not None, stopped=consent is not None and consent.is_stopped)

    async def _hear(self, arrival: Arrival, keyword: Keyword, effect: Literal["stop", "start"]) -> None:
        """Note a STOP before it is told and a START after it: what ends between is then done again as it was."""
        if keyword.effect != effect:
            return
        for _ in range(_ROUNDS):
            changed = _with_heard(await self._store.consents([_key(arrival)]), arrival, stopped=effect == "stop")
            if all(fate is Fate.DONE for fate in await self._store.save_consents(changed)):
                return
        raise TransientError("consent kept changing under us")

    async def _after_keyword(self, arrival: Arrival, keyword: Keyword) -> list[Event]:
        """STOP ends here, with a verdict; any other keyword also goes to tickets, for an open ticket's thread (M4)."""
        events: list[Event] = []
        if keyword.effect in {"stop", "start"}:
            events.append(consent_changed(arrival, stopped=keyword.effect == "stop"))
        if keyword.answer:
            events.append(keyword_answer(arrival, keyword.answer))
        if keyword.effect != "stop":
            return [*events, inbound(arrival, keyword=keyword.word)]
        seen = KeywordSeen(
            id=arrival.message_id,
            account_id=arrival.account_id,
            delivery_id=arrival.delivery_id,
            word=keyword.word,
            received_at=arrival.received_at,
        )
        first = await self._store.first_delivery(seen)
        return [*events, keyword_verdict(arrival, keyword, is_first=first.delivery_id == arrival.delivery_id)]

    async def _attribute(self, arrival: Arrival, window: timedelta) -> str | None:
        key = _key(arrival)
        for _ in range(_ROUNDS):
            known = (await self._store.correspondents([key])).get(key)
            if known is None:
                return None
            sends, campaign_id = attribute(known.sends, arrival.message_id, arrival.received_at, window)
            if sends == known.sends:
                return campaign_id
            changed = known.model_copy(update={"sends": sends})
            if (await self._store.save_correspondents([changed]))[0] is Fate.DONE:
                return campaign_id
        raise TransientError("campaign sends kept changing under us")


def inbound(arrival: Arrival, *, keyword: str | None = None, campaign_id: str | None = None) -> InboundMessageReceived:
    """The message as tickets takes it. Media are named in the text: reading them needs the provider's credentials."""
    media = "".join(f"\n[media] {url}" for url in arrival.message.media_urls)
    return InboundMessageReceived(
        id=arrival.delivery_id,
        account_id=arrival.account_id,
        time=arrival.received_at,
        message_id=arrival.message_id,
        provider_message_id=arrival.message.message_sid,
        channel="sms",
        contact_key=arrival.phone,
        sender=Party(phone=arrival.phone),
        recipient=arrival.number,
        text=arrival.message.text + media,
        received_at=arrival.received_at,
        sms=SmsDetails(
            number=arrival.number, segments=arrival.message.segments, keyword=keyword, campaign_id=campaign_id
        ),
    )


def consent_changed(arrival: Arrival, *, stopped: bool) -> ContactUpdated:
    """STOP ends every consent of the number; START gives it."""
    given = SmsConsent(stopped=True) if stopped else SmsConsent(marketing=True, transactional=True, stopped=False)
    return ContactUpdated(
        id=derive_id("evt", arrival.message_id, "consent"),
        account_id=arrival.account_id,
        time=arrival.received_at,
        contact=ContactIdentity(phone=arrival.phone),
        consent=Consent(sms=given),
    )


def keyword_answer(arrival: Arrival, text: str) -> OutboundMessageRequested:
    """The account's own answer to a keyword; the same for every delivery of the message."""
    return OutboundMessageRequested(
        id=derive_id("evt", arrival.message_id, "answer"),
        account_id=arrival.account_id,
        time=arrival.received_at,
        message_id=derive_id("msg", arrival.message_id, "answer"),
        channel="sms",
        purpose="keyword_answer",
        contact_key=arrival.phone,
        recipient=Party(phone=arrival.phone),
        sender=arrival.number,
        text=text,
    )


def keyword_verdict(arrival: Arrival, keyword: Keyword, *, is_first: bool) -> IntakeVerdictRecorded:
    """The ledger's line for a message that ended as a keyword, or for another delivery of it."""
    return IntakeVerdictRecorded(
        id=derive_id("evt", arrival.delivery_id, "verdict"),
        account_id=arrival.account_id,
        time=arrival.received_at,
        delivery_id=arrival.delivery_id,
        provider_message_id=arrival.message.message_sid,
        channel="sms",
        mailbox=arrival.number,
        verdict="keyword" if is_first else "duplicate",
        rule=f"keyword:{keyword.effect}" if is_first else "same_message",
        received_at=arrival.received_at,
    )


def _with_campaigns(known: Mapping[str, Correspondent], events: Sequence[CampaignMessageSent]) -> list[Correspondent]:
    changed = dict(known)
    for event in events:
        key = phone_id(event.account_id, event.phone)
        before = changed.get(key) or Correspondent(id=key, account_id=event.account_id, phone=event.phone)
        sends = with_send(before.sends, event.campaign_id, event.sent_at)
        changed[key] = before.model_copy(update={"sends": sends})
    return [document for key, document in changed.items() if known.get(key) != document]


def _key(arrival: Arrival) -> str:
    return phone_id(arrival.account_id, arrival.phone)


def _with_heard(known: Mapping[str, NumberConsentCopy], arrival: Arrival, *, stopped: bool) -> list[NumberConsentCopy]:
    before = known.get(_key(arrival)) or NumberConsentCopy(
        id=_key(arrival),
        account_id=arrival.account_id,
        phone=arrival.phone,
        contact_id="",
        contact_version=0,
        stopped=False,
    )
    return [] if before.stop_heard == stopped else [before.model_copy(update={"stop_heard": stopped})]


def _is_outdated(event: ContactChanged, consent: NumberConsent | None, known: NumberConsentCopy) -> bool:
    """Whether more is known of a number than a contact tells; a contact that it was merged into has other versions."""
    if known.contact_id == event.contact_id:
        return known.contact_version >= event.version
    return known.said_at is not None and (consent is None or consent.updated_at < known.said_at)


def _with_consents(known: Mapping[str, NumberConsentCopy], events: Sequence[ContactChanged]) -> list[NumberConsentCopy]:
    changed = dict(known)
    for event in events:
        for phone in event.phones:
            key = phone_id(event.account_id, phone)
            before = changed.get(key)
            consent = event.sms_consent.get(phone)
            if before and _is_outdated(event, consent, before):
                continue
            changed[key] = NumberConsentCopy(
                id=key,
                rev=before.rev if before else 0,
                account_id=event.account_id,
                phone=phone,
                contact_id=event.contact_id,
                contact_version=event.version,
                stopped=bool(consent and consent.stopped),
                stop_heard=before is not None and before.stop_heard and not (consent and consent.stopped),
                said_at=consent.updated_at if consent else None,
            )
    return [document for key, document in changed.items() if known.get(key) != document]
