"""What every owner of customers' data does alike when somebody is to be forgotten (S3)."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from contracts.contacts import ContactChanged
from contracts.envelope import Event
from contracts.erasure import ContactErased, ContactErasureObeyed, ErasedIdentities
from contracts.topics import CONTACT_ERASURES, CONTACTS
from service_kit.bus import DeadLetter, Subscription
from service_kit.erasure import ErasedContact, Obedience
from service_kit.errors import PermanentError
from service_kit.testing.eventually import eventually
from service_kit.testing.platforms import PlatformFactory

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
CARL = "carl@customer.example"


class Unreadable(PermanentError):
    """What makes a dead letter."""


def contact_event(contact_id: str, email: str) -> ContactChanged:
    """What tickets says of a contact."""
    return ContactChanged(
        id=f"evt_{contact_id}", account_id="acc_1", time=NOON, contact_id=contact_id, version=1, emails=(email,)
    )


async def test_an_owner_forgets_buries_and_answers(make_platform: PlatformFactory) -> None:
    """The order is opened, dead letters about the person go and no others, and tickets is answered (S3)."""
    owner, tickets = make_platform("router"), make_platform("tickets")
    asked: list[ErasedContact] = []
    buried: list[DeadLetter] = []
    answers: list[Event] = []

    async def forget(contact: ErasedContact) -> int:
        asked.append(contact)
        return 2

    async def see(letters: Sequence[DeadLetter]) -> None:
        buried.extend(letters)

    async def refuse(_: Sequence[Event]) -> None:
        raise Unreadable("never")

    async def note(events: Sequence[Event]) -> None:
        answers.extend(events)

    owner.bus.subscribe(Subscription(CONTACTS, "router", refuse))
    Obedience(owner, "router", forget, buried=see)
    tickets.bus.subscribe(Subscription(CONTACT_ERASURES, "tickets", note, only=(ContactErasureObeyed,)))
    await owner.bus.start()
    await tickets.bus.start()
    await tickets.bus.publish([contact_event("con_1", CARL), contact_event("con_2", "dora@customer.example")])

    async def both_are_dead() -> bool:
        return len(await owner.bus.dead_letters(CONTACTS, "router")) == 2

    await eventually(both_are_dead, seconds=15)
    order = ContactErased(
        id="evt_1",
        account_id="acc_1",
        time=NOON,
        erasure_id="era_1/1",
        contact_id="con_1",
        contact_version=4,
        part=3,
        sealed=tickets.secrets.encrypt(ErasedIdentities(emails=("Carl@Customer.example",)).model_dump_json()),
        ticket_ids=("tic_1",),
    )
    await tickets.bus.publish([order])
    await eventually(lambda: answers, seconds=15)
    left = await owner.bus.dead_letters(CONTACTS, "router")
    await owner.bus.stop()
    await tickets.bus.stop()
    (contact,) = asked
    (answer,) = answers

    assert isinstance(answer, ContactErasureObeyed)
    assert contact.ticket_ids == frozenset({"tic_1"})
    assert contact.addresses == frozenset({CARL})
    assert contact.contact_version == 4
    assert (answer.owner, answer.part, answer.erasure_id, answer.removed) == ("router", 3, "era_1/1", 3)
    assert [b"con_2" in letter.value for letter in left] == [True]
    assert [b"con_1" in letter.value for letter in buried] == [True]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"account_id":"acc_1","text":"from CARL@customer.example"}', True),
        (b'{"account_id":"acc_1","ticket_id":"tic_1"}', True),
        (b'{"account_id":"acc_1","external_id":"7"}', True),
        (b'{"account_id":"acc_1","total":"7"}', False),
        (b'{"account_id":"acc_2","text":"carl@customer.example"}', False),
    ],
)
def test_a_record_names_them_by_what_they_are_known_by(body: bytes, *, expected: bool) -> None:
    """Address, ticket or outside id in a record of the same account, in any case; nothing that only looks alike."""
    identities = ErasedIdentities(emails=(CARL,), external_ids=("7",))
    given: dict[str, Any] = {"account_id": "acc_1", "contact_id": "con_1", "contact_version": 1, "whole": True}
    contact = ErasedContact(**given, identities=identities, ticket_ids=frozenset({"tic_1"}), at=NOON)

    assert contact.is_named_in(DeadLetter("1-0", "key", body)) is expected
