"""Whose number it is, whatever ends between the claim and the settings (M9)."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from ingest_sms.model import OwnedNumber
from ingest_sms.number_book import CLAIM_HOLDS, NumberBook
from ingest_sms.store import SmsStore
from service_kit.docstore import Fate
from service_kit.platform import Platform
from service_kit.problem import Problem
from service_kit.testing.manual_clock import ManualClock
from service_kit.testing.platforms import PlatformFactory

NUMBER = "+12025550199"
OTHER = "+12025550188"


class ProcessEnds(BaseException):
    """What nobody catches: the process is gone after this."""


class Dying(SmsStore):
    """The real store in a life that ends when a claim is stored, before the settings are."""

    async def claim(self, claims: Sequence[OwnedNumber]) -> Sequence[Fate]:
        """Store the claim, and end."""
        await super().claim(claims)
        raise ProcessEnds


class Books:
    """One number book after the other on the same store, as lives of a process are."""

    def __init__(self, platform: Platform, clock: ManualClock) -> None:
        store = SmsStore(platform.store)
        self.clock = clock
        self.store = store
        self.platform = platform
        self.book = NumberBook(platform, store)
        self.dying = NumberBook(platform, Dying(platform.store))

    async def give(self, account_id: str, *numbers: str, dies: bool = False) -> None:
        """Let these be the account's only numbers."""
        area = self.dying.area if dies else self.book.area
        held = (await area.get(account_id)).numbers
        wanted = dict.fromkeys(held) | {number: {"account_sid": "AC1"} for number in numbers}
        await area.patch(account_id, {"numbers": wanted})

    async def held(self, account_id: str) -> set[str]:
        """What the account's settings say."""
        return set((await self.book.area.get(account_id)).numbers)


@pytest_asyncio.fixture
async def books(make_platform: PlatformFactory) -> AsyncIterator[Books]:
    """Two accounts without numbers."""
    clock = ManualClock(datetime(2026, 11, 22, 12, tzinfo=UTC))
    platform = make_platform("ingest-sms", clock=clock)
    made = Books(platform, clock)
    await platform.store.start()
    await platform.bus.start()
    for account_id in ("acc_1", "acc_2"):
        await made.book.area.ensure(account_id)
    yield made
    await platform.bus.stop()
    await platform.store.stop()


async def test_an_interrupted_claim_is_finished_by_its_account(books: Books) -> None:
    """Killed after the claim and before the settings, the same patch again is all it takes."""
    with pytest.raises(ProcessEnds):
        await books.give("acc_1", NUMBER, OTHER, dies=True)
    without = await books.held("acc_1")
    await books.give("acc_1", NUMBER, OTHER)

    assert without == set()
    assert await books.held("acc_1") == {NUMBER, OTHER}


async def test_an_interrupted_claim_keeps_a_number_from_others_for_a_minute_only(books: Books) -> None:
    """Nobody's settings hold the number: another account has to wait until no write can be under way, and no longer."""
    with pytest.raises(ProcessEnds):
        await books.give("acc_1", NUMBER, dies=True)
    with pytest.raises(Problem) as refused:
        await books.give("acc_2", NUMBER)
    books.clock.advance(CLAIM_HOLDS * 1.01)
    await books.give("acc_2", NUMBER)
    with pytest.raises(Problem):
        await books.give("acc_1", NUMBER)

    assert (refused.value.status, refused.value.code) == (409, "number_taken")
    assert (await books.held("acc_1"), await books.held("acc_2")) == (set(), {NUMBER})
    assert await books.store.account_of(NUMBER) == "acc_2"


async def test_a_number_in_use_stays_with_its_account_however_old_the_claim(books: Books) -> None:
    """The settings are the truth: what they hold is nobody else's, and what they drop is free at once."""
    await books.give("acc_1", NUMBER)
    books.clock.advance(CLAIM_HOLDS * 1000)
    with pytest.raises(Problem) as refused:
        await books.give("acc_2", NUMBER)
    await books.give("acc_1")
    await books.give("acc_2", NUMBER)
    await books.give("acc_2")
    await books.give("acc_1", NUMBER)

    assert refused.value.code == "number_taken"
    assert (await books.held("acc_1"), await books.held("acc_2")) == ({NUMBER}, set())


async def test_a_dropped_number_is_received_on_until_the_settings_say_so(books: Books) -> None:
    """Killed while numbers change, what the settings still name is still the account's (I3)."""
    await books.give("acc_1", NUMBER)
    with pytest.raises(ProcessEnds):
        await books.give("acc_1", OTHER, dies=True)

    assert await books.held("acc_1") == {NUMBER}
    assert await books.store.account_of(NUMBER) == "acc_1"


class Unstored(Exception):
    """The settings were not written after all."""


async def test_a_number_let_go_and_kept_after_all_is_not_anybodys(books: Books) -> None:
    """The claim is let go before the settings are stored; until they are, they hold it against everybody else."""

    class Letting(SmsStore):
        async def claim(self, claims: Sequence[OwnedNumber]) -> Sequence[Fate]:
            fates = await super().claim(claims)
            if any(claim.claimed_at is None for claim in claims):
                raise Unstored
            return fates

    await books.give("acc_1", NUMBER)
    letting = NumberBook(books.platform, Letting(books.platform.store))
    with pytest.raises(Unstored):
        await letting.area.patch("acc_1", {"numbers": {NUMBER: None}})
    with pytest.raises(Problem) as refused:
        await books.give("acc_2", NUMBER)

    assert refused.value.code == "number_taken"
    assert await books.held("acc_1") == {NUMBER}
