"""Quarantined webhooks as the command `deskbus quarantine` sees them: listed, read, taken in after all (M2)."""

import json
from collections.abc import Sequence

from contracts.settings import SmsSettings
from ingest_sms.model import QuarantinedWebhook
from ingest_sms.phone_numbers import e164
from ingest_sms.store import SmsStore
from ingest_sms.twilio import is_signed, parse_message
from ingest_sms.workflow import SmsWorkflow
from service_kit.bus import Bus
from service_kit.clock import Clock
from service_kit.quarantine import (
    KeptAside,
    NotSetAsideError,
    QuarantineQuery,
    ReplayRefusedError,
    replay_entry,
    replay_id,
)
from service_kit.settings_area import SettingsArea


class WebhookShelf:
    """The quarantine of a gateway; a replay checks the signature against the tokens of today."""

    def __init__(
        self, store: SmsStore, settings: SettingsArea[SmsSettings], workflow: SmsWorkflow, bus: Bus, clock: Clock
    ) -> None:
        self._store = store
        self._bus = bus
        self._settings = settings
        self._workflow = workflow
        self._clock = clock

    async def page(
        self, query: QuarantineQuery, *, limit: int, cursor: str | None
    ) -> tuple[Sequence[KeptAside], str | None]:
        """What is set aside, oldest first, and the cursor of the next page."""
        page = await self._store.quarantine_page(query, limit=limit, cursor=cursor)
        return [_shown(kept) for kept in page.items], page.next_cursor

    async def find(self, kept_id: str) -> KeptAside | None:
        """One delivery."""
        kept = await self._store.quarantined_webhook(kept_id)
        return _shown(kept) if kept else None

    async def raw(self, kept_id: str) -> bytes:
        """URL, signature and fields as they came, as JSON."""
        kept = await self._kept(kept_id)
        whole = {"url": kept.url, "signature": kept.signature, "parameters": kept.parameters}
        return json.dumps(whole, indent=2).encode()

    async def replay(self, kept_id: str, *, trusted: bool) -> None:
        """Take the message in, as of when it came.

        Raises:
            ReplayRefusedError: its number is the account's no more, or its signature fits no token still.
            Unavailable: an engine did not confirm; the replay may be repeated.
        """
        kept = await self._kept(kept_id)
        settings = await self._settings.get(kept.account_id)
        number, again = _number_of(kept), kept.replays + 1
        _require_fit(kept, number, settings, trusted=trusted)
        await self._workflow.take(
            kept.account_id,
            number,
            parse_message(kept.parameters),
            settings,
            delivery_id=replay_id(kept, again),
            received_at=kept.received_at,
        )
        now = self._clock.now()
        await self._bus.publish([replay_entry(kept, again, now, service="ingest-sms", trusted=trusted)])
        await self._store.note_replay(kept.id, again, now)

    async def _kept(self, kept_id: str) -> QuarantinedWebhook:
        kept = await self._store.quarantined_webhook(kept_id)
        if kept is None:
            raise NotSetAsideError(kept_id)
        return kept


def _require_fit(kept: QuarantinedWebhook, number: str, settings: SmsSettings, *, trusted: bool) -> None:
    if number not in settings.numbers:
        raise ReplayRefusedError(f"{kept.id} is for {number}, which is not among the account's `sms.numbers`")
    tokens = settings.numbers[number].auth_tokens
    if not trusted and not is_signed(kept.signature, kept.url, kept.parameters, tokens):
        raise ReplayRefusedError(
            f"the signature of {kept.id} fits none of the `auth_tokens` of {number}; "
            "correct them in the settings `sms`, or look at it with `show --raw` and replay it with `--trust`"
        )


def _number_of(kept: QuarantinedWebhook) -> str:
    recipient = kept.parameters.get("To", "")
    return e164(recipient) or recipient


def _shown(kept: QuarantinedWebhook) -> KeptAside:
    return KeptAside(
        id=kept.id,
        account_id=kept.account_id,
        channel="sms",
        mailbox=_number_of(kept),
        source=kept.source,
        reason="bad_signature",
        size=sum(len(name) + len(value) for name, value in kept.parameters.items()),
        received_at=kept.received_at,
        replays=kept.replays,
        is_waiting=kept.replayed_at is None,
    )
