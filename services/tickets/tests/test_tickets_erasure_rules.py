"""What an erasure tells, counts and leaves (S3)."""

from datetime import UTC, datetime
from typing import Any

from contracts.erasure import ContactErased, ContactErasureObeyed, ErasedIdentities
from contracts.people import Actor
from tickets.contacts.contact_model import Contact
from tickets.contacts.contacts import new_contact
from tickets.privacy.erasure import (
    ERASE_AGAIN,
    OWNERS,
    Erasure,
    announced,
    erased_ticket,
    named,
    requested,
    with_answer,
    without_addresses,
)

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
ANN = Actor(kind="agent", id="agt_1")


def contact(**known: Any) -> Contact:
    """Carl."""
    return new_contact("con_1", "acc_1", NOW).model_copy(update=known)


def begun(known: Erasure | None = None) -> Erasure:
    """An erasure of Carl."""
    return requested(known, contact(), "sealed", scope="", actor=ANN, now=NOW)


def orders(erasure: Erasure) -> list[ContactErased]:
    """What it tells the owners."""
    return [event for entry in erasure.outbox if isinstance(event := entry.event(), ContactErased)]


def answer(order: ContactErased, owner: str) -> ContactErasureObeyed:
    """An owner's answer."""
    fields = {"id": "e", "account_id": "acc_1", "time": NOW, "contact_id": "con_1", "owner": owner}
    return ContactErasureObeyed.model_validate({**fields, "erasure_id": order.erasure_id, "part": order.part})


def test_many_tickets_and_merged_contacts_make_several_parts() -> None:
    """No order is too large for the bus, and whoever was merged into the contact is named by one of their own (S3)."""
    erasure = begun().model_copy(update={"contact_ids": ("con_1", "con_2")})
    told = orders(announced(erasure, [f"tic_{n}" for n in range(1_500)], {"con_2": 7}, again=False, now=NOW))

    assert [(one.contact_id, len(one.ticket_ids), one.part) for one in told] == [
        ("con_1", 1_000, 1),
        ("con_1", 500, 2),
        ("con_2", 0, 3),
    ]
    assert told[2].contact_version == 7


def test_it_is_done_when_every_owner_has_done_every_part() -> None:
    """An answer counts once and for its round only; the last one of the last owner ends it (S3)."""
    erasure = announced(begun(), ["tic_1"], {}, again=False, now=NOW)
    (order,) = orders(erasure)
    other_round = answer(order, OWNERS[0]).model_copy(update={"erasure_id": f"{erasure.id}/9"})
    states = []
    for owner in OWNERS:
        erasure = with_answer(erasure, answer(order, owner), NOW)
        states.append(erasure.state)

    assert states == ["announced"] * (len(OWNERS) - 1) + ["done"]
    assert with_answer(erasure, answer(order, OWNERS[0]), NOW) is erasure
    assert with_answer(erasure, other_round, NOW) is erasure


def test_asking_again_goes_on_or_begins_anew() -> None:
    """While it is under way it is the same one; when it is done, whoever wrote since can be forgotten too (S3)."""
    erasure = begun()
    done = erasure.model_copy(update={"state": "done"})

    assert begun(erasure) is erasure
    assert (begun(done).round, begun(done).state) == (2, "running")


def test_the_second_look_forgets_the_names() -> None:
    """After it has told the owners once more, the intent itself holds nothing that names anybody (S3)."""
    first = announced(begun(), [], {}, again=False, now=NOW)
    second = announced(first.model_copy(update={"outbox": ()}), [], {}, again=True, now=NOW)

    assert [due.kind for due in first.due] == [ERASE_AGAIN]
    assert (second.sealed, second.due) == ("", ())
    assert orders(second)[0].id != orders(first)[0].id


def test_a_ticket_leaves_ids_and_numbers_only(make_ticket: Any) -> None:
    """Subject, words, tags and addresses are gone; it is closed, numbered and counted as before (S3)."""
    before = make_ticket(search_tokens=("kettle",), tags=("vip",), thread_key="mail/x", custom={"size": "secret"})
    husk = erased_ticket(before, actor=ANN, now=NOW)
    left = husk.model_copy(update={"outbox": ()}).model_dump_json()

    assert not any(word in left for word in ("kettle", "vip", "Order", "carl@customer.example", "secret"))
    assert (husk.status, husk.number, husk.hidden, husk.event_seq) == ("closed", 1, True, 2)
    assert "vip" not in str(husk.outbox[-1])


def test_a_contact_can_lose_some_of_its_addresses() -> None:
    """What is purged is taken from the contact and from every part that it is made of; the rest stays (L9)."""
    whole = contact(emails=("a@x.example", "b@x.example"), phones=("+33612345678",), name="Carl")
    less = without_addresses(whole, ErasedIdentities(emails=("a@x.example",), phones=("+33612345678",)))

    assert (less.emails, less.phones, less.name) == (("b@x.example",), (), "Carl")


def test_an_address_that_nobody_checked_names_nobody() -> None:
    """What a visitor typed may be another customer's address: their data must not go with this erasure (W6, S3)."""
    typed = contact(visitor_ids=("vis_1",), unverified_email="dora@customer.example")

    assert named(typed) == ErasedIdentities(visitor_ids=("vis_1",))
