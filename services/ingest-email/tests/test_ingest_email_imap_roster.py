"""Who reads which mailbox: one replica at a time, whatever dies (X1)."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from contracts.imap import ImapMailbox
from contracts.settings import EmailSettings
from ingest_email.imap.imap_roster import ImapRoster
from ingest_email.imap.imap_tenure import LeaseLost, Tenure
from service_kit.testing.manual_clock import ManualClock
from service_kit.testing.platforms import PlatformFactory

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
LEASE = timedelta(seconds=30)
A_MOMENT = timedelta(seconds=1)


class Replicas:
    """Two replicas on one store, and their clock."""

    def __init__(self, make_platform: PlatformFactory) -> None:
        self.clock = ManualClock(NOON)
        self.store = make_platform("ingest-email", clock=self.clock).store
        self.one = ImapRoster(self.store, self.clock)
        self.other = ImapRoster(self.store, self.clock)

    async def claimed_by(self, roster: ImapRoster, *but: str, room: int = 10) -> list[Tenure]:
        """What a replica gets."""
        return [*await roster.claim(lease=LEASE, room=room, but=but)]


@pytest.fixture
async def replicas(make_platform: PlatformFactory) -> AsyncIterator[Replicas]:
    """Both replicas, while their store runs."""
    made = Replicas(make_platform)
    await made.store.start()
    yield made
    await made.store.stop()


async def test_a_mailbox_is_read_by_one_replica(replicas: Replicas) -> None:
    """Whoever claims first has it, for as long as it says so now and then."""
    await replicas.one.want("acc_1", ["main"])
    [tenure] = await replicas.claimed_by(replicas.one)
    none = await replicas.claimed_by(replicas.other)
    replicas.clock.advance(LEASE - A_MOMENT)
    assert tenure.is_half_over
    await tenure.note()
    replicas.clock.advance(LEASE - A_MOMENT)
    still_none = await replicas.claimed_by(replicas.other)
    tenure.check()

    assert (none, still_none) == ([], [])


async def test_the_mailbox_of_a_dead_replica_is_taken_over(replicas: Replicas) -> None:
    """With its cursor; and who was only slow learns of it before it takes another mail."""
    await replicas.one.want("acc_1", ["main"])
    [slow] = await replicas.claimed_by(replicas.one)
    await slow.note(state="watching")
    replicas.clock.advance(LEASE)
    with pytest.raises(LeaseLost):
        slow.check()
    [taken] = await replicas.claimed_by(replicas.other)
    with pytest.raises(LeaseLost):
        await slow.note(state="watching")
    with pytest.raises(LeaseLost):
        await slow.release()

    assert taken.mailbox.holder != slow.mailbox.holder
    assert await slow.drop() is False


async def test_what_is_released_is_free_at_once(replicas: Replicas) -> None:
    """A replica that stops in good order keeps nobody waiting; with a pause, for so long."""
    await replicas.one.want("acc_1", ["main"])
    [tenure] = await replicas.claimed_by(replicas.one)
    await tenure.release()
    [tenure] = await replicas.claimed_by(replicas.other)
    await tenure.release(pause=A_MOMENT)

    assert await replicas.claimed_by(replicas.one) == []
    replicas.clock.advance(A_MOMENT)
    assert len(await replicas.claimed_by(replicas.one)) == 1


async def test_a_replica_takes_no_more_than_it_has_room_for(replicas: Replicas) -> None:
    """Nor what it reads already, should its own lease have run out meanwhile."""
    await replicas.one.want("acc_1", ["a", "b", "c"])
    [first] = await replicas.claimed_by(replicas.one, room=1)
    replicas.clock.advance(LEASE)
    others = await replicas.claimed_by(replicas.one, first.mailbox.id, room=2)
    await first.note()

    assert sorted({one.mailbox.name for one in (first, *others)}) == ["a", "b", "c"]


async def test_settings_do_not_take_the_lease_away(replicas: Replicas) -> None:
    """They touch the document beside its reader; what was asked for again is not forgotten by who knew it gone."""
    await replicas.one.want("acc_1", ["main"])
    [tenure] = await replicas.claimed_by(replicas.one)
    await replicas.other.want("acc_1", ["main"])
    forgotten = await tenure.drop()
    await tenure.note(state="watching")

    assert forgotten is False
    assert (await replicas.one.of_account("acc_1"))["main"].state == "watching"
    assert await tenure.drop() is True
    assert await replicas.one.of_account("acc_1") == {}


async def test_a_mailbox_of_an_account_is_its_own(replicas: Replicas) -> None:
    """Names are an account's: the same one elsewhere is another mailbox."""
    await replicas.one.want("acc_1", ["main"])
    await replicas.one.want("acc_2", ["main"])

    assert len(await replicas.claimed_by(replicas.one)) == 2
    assert set(await replicas.one.of_account("acc_2")) == {"main"}


async def test_mailboxes_of_the_settings_are_found_on_start(replicas: Replicas) -> None:
    """Settings are the truth: what was lost of the readers' own notes begins again, and what was not stays."""
    mailbox = ImapMailbox(host="mail.example", username="support", password="secret", address="support@acme.example")
    await replicas.one.want("acc_1", ["main"])
    [tenure] = await replicas.claimed_by(replicas.one)
    await replicas.other.adopt({"acc_1": EmailSettings(imap={"main": mailbox, "lost": mailbox})})
    known = await replicas.one.of_account("acc_1")

    assert set(known) == {"main", "lost"}
    assert known["main"] == tenure.mailbox
