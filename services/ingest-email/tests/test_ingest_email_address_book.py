"""Support addresses: one account each, found with and without a tag."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from ingest_email.address_book import AddressBook, SupportInbox
from ingest_email.plus_address import candidates, tag_of
from service_kit.docstore import Fate
from service_kit.problem import Problem
from service_kit.testing.manual_clock import ManualClock
from service_kit.testing.platforms import PlatformFactory

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def clock() -> ManualClock:
    """Stands at noon."""
    return ManualClock(NOON)


@pytest_asyncio.fixture
async def book(make_platform: PlatformFactory, clock: ManualClock) -> AsyncIterator[AddressBook]:
    """An address book with two accounts that have no address yet."""
    platform = make_platform("ingest-email", clock=clock)
    made = AddressBook(platform)
    await platform.store.start()
    await platform.bus.start()
    for account_id in ("acc_1", "acc_2"):
        await made.area.ensure(account_id)
    yield made
    await platform.bus.stop()
    await platform.store.stop()


async def give(book: AddressBook, account_id: str, *addresses: str) -> None:
    """Let these be the account's only addresses."""
    held = (await book.area.get(account_id)).addresses
    wanted: dict[str, object] = dict.fromkeys(held) | {address: {} for address in addresses}
    await book.area.patch(account_id, {"addresses": wanted})


async def test_an_address_is_found_with_its_account_and_tag(book: AddressBook) -> None:
    """The tag is what is left over after the longest support address that fits."""
    await give(book, "acc_1", "support@acme.example", "eu+support@acme.example")

    assert await book.find("support@acme.example") == SupportInbox("acc_1", "support@acme.example", None)
    assert await book.find("support+a+b@acme.example") == SupportInbox("acc_1", "support@acme.example", "a+b")
    assert await book.find("eu+support+t@acme.example") == SupportInbox("acc_1", "eu+support@acme.example", "t")
    assert await book.find("sales@acme.example") is None
    assert await book.find("support@other.example") is None
    assert await book.find("nonsense") is None


async def test_an_address_of_another_account_is_refused(book: AddressBook) -> None:
    """Addresses are unique over all accounts (409), and the refused settings change nothing."""
    await give(book, "acc_1", "support@acme.example")

    with pytest.raises(Problem) as refused:
        await give(book, "acc_2", "support@acme.example", "help@other.example")

    assert (refused.value.status, refused.value.code) == (409, "address_taken")
    assert (await book.area.get("acc_2")).addresses == {}
    assert await book.find("help@other.example") is None
    assert await book.find("support@acme.example") == SupportInbox("acc_1", "support@acme.example", None)


@pytest.mark.parametrize(
    "address", ["Support@acme.example", "support", "a b@acme.example", "", "x@" + "y" * 400, "é\n@x"]
)
async def test_what_is_no_address_in_lower_case_is_refused(book: AddressBook, address: str) -> None:
    """Addresses are kept in the one spelling in which they are looked up (422)."""
    with pytest.raises(Problem) as refused:
        await give(book, "acc_1", address)

    assert (refused.value.status, refused.value.code) == (422, "invalid_address")


async def test_an_address_given_up_is_free_for_others_after_a_minute(book: AddressBook, clock: ManualClock) -> None:
    """A claim holds for a minute, so that settings under way are safe; then the settings alone count."""
    await give(book, "acc_1", "support@acme.example")
    await give(book, "acc_1")
    with pytest.raises(Problem):
        await give(book, "acc_2", "support@acme.example")
    clock.advance(timedelta(minutes=2))
    await give(book, "acc_2", "support@acme.example")

    assert await book.find("support@acme.example") == SupportInbox("acc_2", "support@acme.example", None)
    with pytest.raises(Problem):
        await give(book, "acc_1", "support@acme.example")


async def test_an_account_may_take_its_own_address_again(book: AddressBook) -> None:
    """Removing an address and adding it again at once is nobody's conflict."""
    await give(book, "acc_1", "support@acme.example")
    await give(book, "acc_1")
    await give(book, "acc_1", "support@acme.example")

    assert await book.find("support@acme.example") is not None


async def test_of_two_accounts_at_once_one_gets_the_address(book: AddressBook) -> None:
    """However two requests interleave, an address never has two accounts."""
    for number in range(10):
        address = f"support{number}@acme.example"
        outcomes = await asyncio.gather(
            book.area.patch("acc_1", {"addresses": {address: {}}}),
            book.area.patch("acc_2", {"addresses": {address: {}}}),
            return_exceptions=True,
        )

        assert sorted(isinstance(outcome, Problem) for outcome in outcomes) == [False, True]


async def test_a_removed_address_is_unknown_within_a_second(book: AddressBook, clock: ManualClock) -> None:
    """What is known is remembered for less than a second; what is new is found at once."""
    assert await book.find("support@acme.example") is None
    await give(book, "acc_1", "support@acme.example")
    assert await book.find("support@acme.example") is not None
    await give(book, "acc_1")
    remembered = await book.find("support@acme.example")
    clock.advance(timedelta(seconds=1))

    assert remembered is not None
    assert await book.find("support@acme.example") is None


async def test_a_known_address_costs_no_query(book: AddressBook) -> None:
    """Mail after mail to one address asks the store once a second, not once a mail."""
    await give(book, "acc_1", "support@acme.example")
    await book.find("support@acme.example")
    claim = await book._claims.get("support@acme.example")
    assert claim is not None

    assert await book._claims.delete_many([claim]) == [Fate.DONE]
    assert await book.find("support+x@acme.example") == SupportInbox("acc_1", "support@acme.example", "x")


def test_candidates_are_bounded() -> None:
    """An address full of plus signs is not taken apart to the last."""
    assert candidates("a+b@x") == (("a+b@x", None), ("a@x", "b"))
    assert candidates("+b@x") == (("+b@x", None),)
    assert candidates("a+@x") == (("a+@x", None), ("a@x", None))
    assert len(candidates("+".join("abcdefghij") + "@x")) == 4


def test_tag_of_an_address_among_others() -> None:
    """The token is found wherever the address stands, and only under our own address."""
    assert tag_of(["bob+x@mail.example", "support+t@acme.example"], "support@acme.example") == "t"
    assert tag_of(["support@acme.example"], "support@acme.example") is None


async def test_a_public_key_that_is_none_is_refused_in_the_settings(book: AddressBook) -> None:
    """A key that could never prove anything is not stored."""
    with pytest.raises(Problem) as refused:
        await book.area.patch("acc_1", {"sendgrid": {"public_key": "bm90IGEga2V5"}})

    assert (refused.value.status, refused.value.code) == (422, "invalid_public_key")
