"""Consent of a number whose contact was merged into another one, or taken out again."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest_asyncio

from contracts.contacts import ContactChanged, NumberConsent
from ingest_sms.model import NumberConsentCopy
from ingest_sms.store import SmsStore, phone_id
from ingest_sms.workflow import SmsWorkflow
from service_kit.testing.platforms import PlatformFactory

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
PHONE = "+12025550123"


class Copies:
    """What ingest-sms remembers of the number."""

    def __init__(self, workflow: SmsWorkflow, store: SmsStore) -> None:
        self._workflow = workflow
        self._store = store

    async def told(self, contact_id: str, version: int, *, stopped: bool, minute: int = 0) -> NumberConsentCopy:
        """Tickets tells of a contact with the number; what is known of it then."""
        said = NumberConsent(stopped=stopped, updated_at=NOON + timedelta(minutes=minute))
        await self.take(contact_id, version, phones=(PHONE,), sms_consent={PHONE: said})
        return (await self._store.consents([phone_id("acc_1", PHONE)]))[phone_id("acc_1", PHONE)]

    async def take(self, contact_id: str, version: int, **said: object) -> None:
        """Tickets tells of a contact."""
        fields = {"id": f"evt_{contact_id}_{version}", "account_id": "acc_1", "time": NOON}
        event = {**fields, "contact_id": contact_id, "version": version, **said}
        await self._workflow.remember_consents([ContactChanged.model_validate(event)])


@pytest_asyncio.fixture
async def copies(make_platform: PlatformFactory) -> AsyncIterator[Copies]:
    """A gateway that knows nothing yet."""
    platform = make_platform("ingest-sms")
    store = SmsStore(platform.store)
    await platform.store.start()
    yield Copies(SmsWorkflow(store, platform.bus, platform.clock), store)
    await platform.store.stop()


async def test_the_survivor_tells_of_the_number(copies: Copies) -> None:
    """Its versions are others than those of the merged contact, and count all the same (M5)."""
    await copies.told("con_source", 9, stopped=False)
    await copies.take("con_source", 10, merged_into="con_target")
    known = await copies.told("con_target", 2, stopped=True, minute=1)

    assert (known.contact_id, known.is_stopped) == ("con_target", True)


async def test_what_the_merged_one_said_before_comes_too_late(copies: Copies) -> None:
    """Contacts are told on lines of their own: an older word of the other contact takes no stop back (M5)."""
    await copies.told("con_target", 2, stopped=True, minute=1)
    known = await copies.told("con_source", 9, stopped=False)

    assert (known.contact_id, known.is_stopped) == ("con_target", True)


async def test_an_unmerged_contact_has_its_number_again(copies: Copies) -> None:
    """After the unmerge the contact itself tells of its number, with the stop that was said meanwhile (M5)."""
    await copies.told("con_target", 2, stopped=True, minute=1)
    back = await copies.told("con_source", 11, stopped=True, minute=1)
    started = await copies.told("con_source", 12, stopped=False, minute=2)

    assert (back.contact_id, back.is_stopped) == ("con_source", True)
    assert not started.is_stopped


async def test_a_contact_without_a_word_takes_nothing_back(copies: Copies) -> None:
    """A contact that has the number and says nothing of consent does not undo what another one said (M5)."""
    await copies.told("con_target", 2, stopped=True)
    await copies.take("con_source", 3, phones=(PHONE,))
    known = await copies.told("con_target", 2, stopped=True)

    assert (known.contact_id, known.is_stopped) == ("con_target", True)
