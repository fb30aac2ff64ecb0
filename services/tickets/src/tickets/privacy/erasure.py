"""Forgetting a customer (S3, L9): the intent, and what remains of what it forgets. Pure; no I/O.

What remains is what makes a late redelivery find that it is one, and numbers: ids (which are hashes), places, times.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal

from pydantic import Field

from contracts.envelope import UtcDatetime
from contracts.erasure import ContactErased, ContactErasureObeyed, ErasedIdentities
from contracts.ids import derive_id
from contracts.people import Actor
from contracts.tickets import TicketVisibilityChanged
from contracts.topics import CONTACT_ERASURES
from service_kit.docstore import CollectionSpec, Index
from service_kit.outbox import Outboxed, with_events
from service_kit.timers import Timed, with_due, without_due
from tickets.contacts.contact_model import Contact, ContactPart
from tickets.contacts.contact_parts import combined
from tickets.life.life import closed
from tickets.ticket.model import Correspondence, Message, Ticket
from tickets.ticket.ticket_events import say

ERASE, ERASE_AGAIN = "erase", "erase_again"
"""The kinds of its timers. What was on its way when it ran is looked for once more a little later."""

OWNERS: tuple[str, ...] = tuple(owner for owner in CONTACT_ERASURES.consumers if owner != "tickets")

_AGAIN_AFTER = timedelta(seconds=30)
_TICKETS_PER_PART = 1_000
_NOBODY = Correspondence(ours="", theirs="", contact_key="")

ErasureState = Literal["running", "announced", "done"]
"""Public contract. `announced`: tickets has forgotten them, and others are at it."""


class Erasure(Outboxed, Timed):
    """One customer to forget. `contact_ids` are all they are known by, after merges; `round` counts repeated requests.

    `sealed` holds what names them, encrypted, for as long as it is needed. With `whole` false the contact lives on
    without these addresses. `obeyed` are the parts that each owner has done; tickets itself was done at `forgotten_at`.
    """

    account_id: str
    contact_id: str
    contact_ids: tuple[str, ...]
    whole: bool = True
    round: int = 1
    state: ErasureState = "running"
    actor: Actor
    sealed: str
    parts: int = 0
    obeyed: dict[str, tuple[int, ...]] = Field(default_factory=dict)
    done_at: dict[str, UtcDatetime] = Field(default_factory=dict)
    requested_at: UtcDatetime
    forgotten_at: UtcDatetime | None = None

    @property
    def run_id(self) -> str:
        """What owners answer to: this round of it."""
        return f"{self.id}/{self.round}"


ERASURES = CollectionSpec(name="erasures", model=Erasure, indexes=(Index(("due_at",)), Index(("outbox_since",))))


def erasure_id(account_id: str, contact_id: str, scope: str = "") -> str:
    """The id of a contact's erasure; `scope` is the block that purges a part of what they wrote."""
    return derive_id("era", account_id, contact_id, scope)


def requested(
    known: Erasure | None, contact: Contact, sealed: str, *, scope: str, actor: Actor, now: datetime
) -> Erasure:
    """The erasure about to begin; one that is under way goes on, one that is done begins again."""
    if known is not None and known.state != "done":
        return known
    erasure = Erasure(
        id=erasure_id(contact.account_id, contact.id, scope),
        rev=known.rev if known else 0,
        account_id=contact.account_id,
        contact_id=contact.id,
        contact_ids=contact.ids,
        whole=not scope,
        round=known.round + 1 if known else 1,
        actor=actor,
        sealed=sealed,
        requested_at=now,
    )
    return with_due(erasure, ERASE, now)


def announced(
    erasure: Erasure, ticket_ids: Sequence[str], versions: Mapping[str, int], *, again: bool, now: datetime
) -> Erasure:
    """The erasure after tickets has forgotten them, telling every other owner; after the second time for good."""
    chunks = [ticket_ids[start : start + _TICKETS_PER_PART] for start in range(0, len(ticket_ids), _TICKETS_PER_PART)]
    # The contact's own first; what was merged into it has no tickets of its own to name, only its other traces.
    about = [(erasure.contact_id, chunk) for chunk in chunks or [[]]]
    about += [(contact_id, []) for contact_id in erasure.contact_ids if contact_id != erasure.contact_id]
    orders = [
        ContactErased(
            id=derive_id("evt", erasure.run_id, str(number), "again" if again else "first"),
            account_id=erasure.account_id,
            time=erasure.requested_at,
            erasure_id=erasure.run_id,
            contact_id=contact_id,
            contact_version=versions.get(contact_id, 0),
            whole=erasure.whole,
            part=number,
            sealed=erasure.sealed,
            ticket_ids=tuple(chunk),
        )
        for number, (contact_id, chunk) in enumerate(about, 1)
    ]
    told = with_events(erasure, orders, now)
    if again:
        return without_due(told.model_copy(update={"sealed": ""}), ERASE_AGAIN)
    told = told.model_copy(update={"state": "announced", "parts": len(orders), "forgotten_at": now})
    return with_due(without_due(told, ERASE), ERASE_AGAIN, now + _AGAIN_AFTER)


def with_answer(erasure: Erasure, answer: ContactErasureObeyed, now: datetime) -> Erasure:
    """The erasure after an owner has done one part; the same again changes nothing."""
    parts = erasure.obeyed.get(answer.owner, ())
    if answer.erasure_id != erasure.run_id or answer.part in parts:
        return erasure
    obeyed = {**erasure.obeyed, answer.owner: (*parts, answer.part)}
    finished = len(obeyed[answer.owner]) >= erasure.parts
    done_at = {**erasure.done_at, answer.owner: now} if finished else erasure.done_at
    is_done = all(owner in done_at for owner in OWNERS)
    return erasure.model_copy(
        update={"obeyed": obeyed, "done_at": done_at, "state": "done" if is_done else erasure.state}
    )


def named(contact: Contact) -> ErasedIdentities:
    """What names a contact. Not the address that a visitor typed: nobody checked it, and it may be somebody else's."""
    return ErasedIdentities(
        emails=contact.emails,
        phones=contact.phones,
        visitor_ids=contact.visitor_ids,
        external_ids=contact.external_ids,
    )


def erased_ticket(ticket: Ticket, *, actor: Actor, now: datetime) -> Ticket:
    """What remains of a ticket: a closed one that nobody is shown. It is built anew, so that no field is forgotten.

    Its last event says that it left every list, and nothing else of it.
    """
    ticket = closed(ticket, actor=actor, cause="erasure", now=now)
    husk = Ticket(
        id=ticket.id,
        rev=ticket.rev,
        outbox=ticket.outbox,
        outbox_since=ticket.outbox_since,
        account_id=ticket.account_id,
        number=ticket.number,
        thread_key=None,
        channel=ticket.channel,
        subject="",
        status="closed",
        closed_at=ticket.closed_at,
        contact_id=ticket.contact_id,
        correspondence=_NOBODY,
        cycle=ticket.cycle,
        cycle_opened_at=ticket.cycle_opened_at,
        assignment_epoch=ticket.assignment_epoch,
        version=ticket.version + 1,
        next_seq=ticket.next_seq,
        event_seq=ticket.event_seq,
        erased_at=now,
        created_at=ticket.created_at,
        updated_at=now,
    )
    return say(husk, TicketVisibilityChanged, actor=actor, cause="erasure", now=now, hidden=True)


def erased_message(message: Message, now: datetime) -> Message:
    """What remains of a message: that there was one, and what its redelivery is known by."""
    return Message(
        id=message.id,
        rev=message.rev,
        account_id=message.account_id,
        ticket_id=message.ticket_id if message.seq is not None else None,
        verdict=message.verdict,
        rule="erased",
        first_delivery_id=message.first_delivery_id,
        seq=message.seq,
        kind=message.kind,
        author=message.author,
        text="",
        automatic=message.automatic,
        erased_at=now,
        created_at=message.created_at,
    )


def erased_contact(contact: Contact, now: datetime) -> Contact:
    """What remains of a contact: its version, so that whoever knows an older one learns that nothing is known now."""
    return Contact(
        id=contact.id,
        rev=contact.rev,
        outbox=contact.outbox,
        outbox_since=contact.outbox_since,
        account_id=contact.account_id,
        version=contact.version,
        erased_at=now,
        created_at=contact.created_at,
        updated_at=now,
    )


def without_addresses(contact: Contact, gone: ErasedIdentities) -> Contact:
    """A contact that lives on without some of its addresses."""

    def less(values: Sequence[str], unwanted: Sequence[str]) -> tuple[str, ...]:
        return tuple(value for value in values if value not in unwanted)

    def reduced(one: Contact | ContactPart) -> Mapping[str, object]:
        return {
            "emails": less(one.emails, gone.emails),
            "phones": less(one.phones, gone.phones),
            "visitor_ids": less(one.visitor_ids, gone.visitor_ids),
            "unverified_email": None if one.unverified_email in gone.emails else one.unverified_email,
            "sms_consent": {phone: said for phone, said in one.sms_consent.items() if phone not in gone.phones},
        }

    if not contact.parts:
        return contact.model_copy(update=reduced(contact))
    parts = {part_id: part.model_copy(update=reduced(part)) for part_id, part in contact.parts.items()}
    return combined(contact.model_copy(update={"parts": parts}))
