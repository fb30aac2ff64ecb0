"""Webhooks that were set aside and taken in after all (M2)."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from contracts.settings import SmsNumber, SmsSettings
from ingest_sms.model import QuarantinedWebhook
from ingest_sms.quarantine_shelf import WebhookShelf
from ingest_sms.store import SmsStore
from ingest_sms.workflow import SmsWorkflow
from service_kit.quarantine import QuarantineQuery, ReplayRefusedError
from service_kit.settings_area import SettingsArea
from service_kit.testing.platforms import PlatformFactory

NUMBER = "+12025550199"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def webhook(name: str, recipient: str = NUMBER) -> QuarantinedWebhook:
    """A payload with a signature that no token made."""
    return QuarantinedWebhook(
        id=name,
        account_id="acc_1",
        source="192.0.2.1",
        provider_message_id=name,
        url="http://desk.example",
        signature="forged",
        parameters={"MessageSid": name, "From": "+12025550123", "To": recipient, "Body": "Hi"},
        received_at=NOON,
    )


class Opened:
    """The store of a gateway with one number, and its shelf."""

    def __init__(self, store: SmsStore, shelf: WebhookShelf) -> None:
        self.store = store
        self.shelf = shelf


@pytest_asyncio.fixture
async def opened(make_platform: PlatformFactory) -> AsyncIterator[Opened]:
    """A gateway's quarantine."""
    platform = make_platform("ingest-sms")
    store = SmsStore(platform.store)
    area = SettingsArea(platform, "sms", SmsSettings)
    workflow = SmsWorkflow(store, platform.bus, platform.clock)
    await platform.store.start()
    await platform.bus.start()
    number = SmsNumber.model_validate({"provider": "twilio", "account_sid": "AC1", "auth_tokens": ["token"]})
    await area.ensure("acc_1", SmsSettings(numbers={NUMBER: number}))
    yield Opened(store, WebhookShelf(store, area, workflow, platform.bus, platform.clock))
    await platform.bus.stop()
    await platform.store.stop()


async def test_a_forgery_stays_unless_somebody_trusts_it(opened: Opened) -> None:
    """A signature that fits no token is refused again, and only an operator's word lets it in (M2)."""
    await opened.store.quarantine(webhook("qtn_1"), at_most=10)
    with pytest.raises(ReplayRefusedError, match="auth_tokens"):
        await opened.shelf.replay("qtn_1", trusted=False)
    refused = await opened.shelf.find("qtn_1")
    await opened.shelf.replay("qtn_1", trusted=True)
    trusted = await opened.shelf.find("qtn_1")

    assert refused is not None
    assert (refused.replays, refused.is_waiting) == (0, True)
    assert trusted is not None
    assert (trusted.replays, trusted.is_waiting) == (1, False)


async def test_a_number_that_moved_takes_nothing_along(opened: Opened) -> None:
    """What came for a number that the account has no more is never replayed, trusted or not (S4)."""
    await opened.store.quarantine(webhook("qtn_1", "+12025550100"), at_most=10)

    with pytest.raises(ReplayRefusedError, match="not among the account's"):
        await opened.shelf.replay("qtn_1", trusted=True)


async def test_what_was_replayed_makes_room(opened: Opened) -> None:
    """A source's share counts what waits, so that a mended token frees it (M2, I6)."""
    fits = [await opened.store.quarantine(webhook(name), at_most=1) for name in ("qtn_1", "qtn_2")]
    await opened.shelf.replay("qtn_1", trusted=True)
    fits.append(await opened.store.quarantine(webhook("qtn_3"), at_most=1))
    waiting, _ = await opened.shelf.page(QuarantineQuery(NOON, "acc_1"), limit=10, cursor=None)
    both, _ = await opened.shelf.page(QuarantineQuery(NOON, replayed=True), limit=10, cursor=None)

    assert fits == [True, False, True]
    assert [kept.id for kept in waiting] == ["qtn_3"]
    assert sorted(kept.id for kept in both) == ["qtn_1", "qtn_3"]
