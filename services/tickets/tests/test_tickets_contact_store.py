from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest_asyncio

from tickets.contacts.contact_model import Contact, ContactPart
from tickets.contacts.contact_store import ContactStore

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest_asyncio.fixture
async def contacts(make_platform: Any) -> AsyncIterator[ContactStore]:
    """An empty store of contacts."""
    platform = make_platform("tickets")
    store = ContactStore(platform.store)
    await platform.store.start()
    yield store
    await platform.store.stop()


def _contact(contact_id: str, **given: Any) -> Contact:
    return Contact(id=contact_id, account_id="acc_1", created_at=NOON, updated_at=NOON, **given)


async def test_pointers_lead_to_the_last(contacts: ContactStore) -> None:
    """Of a into b into c, whoever asks for any gets c, under the id asked for."""
    parts = {"c": ContactPart(), "b": ContactPart(into="c"), "a": ContactPart(into="b")}
    await contacts.write([_contact("a", merged_into="b"), _contact("b", merged_into="c"), _contact("c", parts=parts)])
    found = await contacts.get_many(["a", "b", "c", "d"])

    assert {asked: contact.id for asked, contact in found.items()} == {"a": "c", "b": "c", "c": "c"}
    assert await contacts.ids_of("a") == ("c", "b", "a")
    assert await contacts.ids_of("d") == ("d",)
    assert [contact.id for contact in (await contacts.page("acc_1", None, limit=10, cursor=None)).items] == ["c"]


async def test_who_was_merged_into_somebody_erased_is_gone_too(contacts: ContactStore) -> None:
    """A pointer to who was forgotten leads to nobody, and to nobody else who comes back under that id (S3)."""
    await contacts.write(
        [_contact("a", merged_into="b"), _contact("b", merged_into="c"), _contact("c", erased_at=NOON)]
    )
    gone = await contacts.get("acc_1", "a")
    [erased] = (await contacts.get_many(["c"])).values()
    await contacts.write([erased.model_copy(update={"erased_at": None, "emails": ("new@customer.example",)})])
    back = await contacts.get("acc_1", "a")

    assert gone is None
    assert back is not None
    assert (back.id, back.emails, back.merged_into, back.rev) == ("a", (), None, 1)


async def test_a_contact_who_returns_stands_by_itself(contacts: ContactStore) -> None:
    """What is written of an orphan takes it out of where it was."""
    await contacts.write([_contact("a", merged_into="c"), _contact("c", erased_at=NOON)])
    [orphan] = (await contacts.get_many(["a"])).values()
    outcome = await contacts.write([orphan.model_copy(update={"erased_at": None, "phones": ("+33612345678",)})])
    stored = await contacts.stored("a")

    assert not outcome.lost
    assert stored is not None
    assert (stored.merged_into, stored.phones) == (None, ("+33612345678",))
