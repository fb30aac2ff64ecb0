"""The readers of several replicas: one mailbox is one replica's, and settings decide which there are (X1)."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from ingest_email.acceptance import Acceptance
from ingest_email.address_book import AddressBook
from ingest_email.imap.imap_watch import ImapWatch
from ingest_email.imap.imap_watched import WatchedMailbox
from ingest_email.imap_app import watch_mailboxes
from ingest_email.metrics import MailMetrics
from ingest_email.settings import IngestEmailSettings
from service_kit.platform import Platform
from service_kit.testing.eventually import eventually
from service_kit.testing.manual_clock import ManualClock
from service_kit.testing.platforms import PlatformFactory

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
MAILBOX = {
    "host": "127.0.0.1",
    "port": 1,
    "username": "support",
    "password": "secret",
    "address": "support@acme.example",
}


class Replicas:
    """Two replicas on one store, with `acc_1` at support@acme.example. Nothing answers where its mailbox is."""

    def __init__(self, platform: Platform, other: Platform, clock: ManualClock) -> None:
        self.clock = clock
        self.book = AddressBook(platform)
        self.one = self._watch(platform, self.book)
        self.other = self._watch(other, AddressBook(other))

    async def mailbox(self) -> WatchedMailbox | None:
        """What is known of the mailbox."""
        return (await self.book.mailboxes.of_account("acc_1")).get("main")

    async def held(self, *, by_another_than: str | None = None) -> str:
        """Who reads the mailbox, once somebody has tried to."""

        async def look() -> str | None:
            known = await self.mailbox()
            holder = known.holder if known is not None and known.last_error is not None else None
            return holder if holder != by_another_than else None

        holder = await eventually(look)
        assert holder is not None
        return holder

    @staticmethod
    def _watch(platform: Platform, book: AddressBook) -> ImapWatch:
        metrics = MailMetrics(platform.metrics)
        return watch_mailboxes(platform, book, Acceptance(platform), metrics, IngestEmailSettings())


@pytest.fixture
async def replicas(make_platform: PlatformFactory) -> AsyncIterator[Replicas]:
    """Both replicas; neither reads yet."""
    clock = ManualClock(NOON)
    platforms = [make_platform("ingest-email", clock=clock) for _ in range(2)]
    made = Replicas(*platforms, clock)
    for platform in platforms:
        await platform.store.start()
        await platform.bus.start()
    await made.book.area.ensure("acc_1")
    await made.book.area.patch("acc_1", {"addresses": {"support@acme.example": {}}})
    yield made
    for platform in platforms:
        await platform.bus.stop()
        await platform.store.stop()


async def test_another_replica_takes_over_what_one_gives_up(replicas: Replicas) -> None:
    """A replica that stops in good order hands its mailboxes over at once, whatever their leases say."""
    await replicas.book.area.patch("acc_1", {"imap": {"main": MAILBOX}})
    await replicas.one.start()
    first = await replicas.held()
    await replicas.other.start()
    await replicas.one.stop()
    second = await replicas.held(by_another_than=first)
    await replicas.other.stop()
    known = await replicas.mailbox()

    assert first != second
    assert known is not None
    assert (known.holder, known.state) == (None, "waiting")


async def test_a_mailbox_that_no_settings_name_is_forgotten(replicas: Replicas) -> None:
    """Its document is written before the settings: it waits for them, and goes where they never came."""
    await replicas.book.mailboxes.want("acc_1", ["main"])
    await replicas.one.start()

    async def was_looked_at() -> bool:
        known = await replicas.mailbox()
        return known is not None and known.rev > 1

    async def is_gone() -> bool:
        return await replicas.mailbox() is None

    await eventually(was_looked_at)
    replicas.clock.advance(timedelta(minutes=2))
    gone = await eventually(is_gone)
    await replicas.one.stop()

    assert gone
