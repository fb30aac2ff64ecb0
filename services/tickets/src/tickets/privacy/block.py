"""Blocks: who is not heard any more, and what each covers (L9). Pure; no I/O.

A block's id derives from account, kind and value. So intake finds those that may concern a message without a search,
and a block whose value is forgotten still holds.
"""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal

from contracts.envelope import UtcDatetime
from contracts.ids import derive_id
from contracts.people import Actor
from contracts.tickets import TicketVisibilityChanged
from service_kit.docstore import CollectionSpec, Index
from service_kit.timers import Timed, with_due, without_due
from tickets.contacts.contact_model import Identity
from tickets.ticket.model import Ticket
from tickets.ticket.ticket_events import say

BlockKind = Literal["contact", "phone", "email", "domain", "visitor"]
"""Public contract: what can be blocked."""

BlockState = Literal["active", "lifting", "purged"]
"""Public contract. `lifting`: what was set aside is being taken in; `purged`: nothing can be brought back."""

HIDE, LIFT, PURGE = "hide", "lift", "purge"
"""The kinds of its timers."""

REVERSIBLE_FOR = timedelta(days=30)
MAX_KEPT = 1_000
"""Messages set aside for one block; more are refused with the same verdict, and not kept."""

MAX_VALUE = 320

_HIDE_AGAIN_AFTER = timedelta(seconds=10)
"""A message that was being taken in when the block came may still have opened a ticket."""

_DRAINED_FOR = timedelta(seconds=5)

_SPELLINGS: dict[str, re.Pattern[str]] = {
    "contact": re.compile(r"[A-Za-z0-9_]{1,100}"),
    "phone": re.compile(r"\+[1-9][0-9]{5,14}"),
    "email": re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}"),
    "domain": re.compile(r"(?=.{1,253}$)[^@\s.]{1,63}(\.[^@\s.]{1,63})+"),
    "visitor": re.compile(r"[A-Za-z0-9_-]{1,100}"),
}


class Block(Timed):
    """One block. `value` is empty when its person was purged: then only the id says what is blocked.

    `purge_at` is when what it hides is given up for good; `parent_id` is the contact's block of which it is a part.
    `drained`: what it set aside was taken in, and it lets pass what comes now.
    """

    account_id: str
    kind: BlockKind
    value: str
    state: BlockState = "active"
    reason: str | None = None
    actor: Actor
    created_at: UtcDatetime
    purge_at: UtcDatetime
    parent_id: str | None = None
    drained: bool = False


BLOCKS = CollectionSpec(
    name="blocks",
    model=Block,
    indexes=(
        Index(("account_id", "created_at")),
        Index(("account_id", "kind", "created_at")),
        Index(("parent_id",)),
        Index(("due_at",)),
    ),
)


def block_id(account_id: str, kind: BlockKind, value: str) -> str:
    """The id of the block of this value."""
    return derive_id("blk", account_id, kind, value)


def normalised_value(kind: BlockKind, value: str) -> str | None:
    """The one spelling of what is to be blocked; None where it is none."""
    value = value.strip()
    if kind in {"email", "domain"}:
        value = value.lower().removeprefix("@") if kind == "domain" else value.lower()
    return value if _SPELLINGS[kind].fullmatch(value) else None


def begun(
    account_id: str, kind: BlockKind, value: str, *, reason: str | None, actor: Actor, hard: bool, now: datetime
) -> Block:
    """A new block, about to hide what it covers; a `hard` one purges instead."""
    purge_at = now if hard else now + REVERSIBLE_FOR
    block = Block(
        id=block_id(account_id, kind, value),
        account_id=account_id,
        kind=kind,
        value=value,
        reason=reason,
        actor=actor,
        created_at=now,
        purge_at=purge_at,
    )
    block = with_due(block, PURGE, purge_at)
    return block if hard else with_due(block, HIDE, now)


def hidden_once(block: Block, now: datetime) -> Block:
    """The block after it has hidden what it covers: soon once more, then no more."""
    if now < block.created_at + _HIDE_AGAIN_AFTER:
        return with_due(block, HIDE, block.created_at + _HIDE_AGAIN_AFTER)
    return without_due(block, HIDE)


def lifting(block: Block, now: datetime) -> Block:
    """The block about to be lifted; until what it set aside is taken in, new messages join that, in order."""
    gone = block.model_copy(update={"state": "lifting", "due": (), "due_at": None})
    return with_due(gone, LIFT, now)


def drained(block: Block, now: datetime) -> Block:
    """The block letting everything pass; what was being judged just before may still be set aside for it."""
    return with_due(block.model_copy(update={"drained": True}), LIFT, now + _DRAINED_FOR)


def purged(block: Block) -> Block:
    """The block of somebody who is forgotten: it holds, and says no more whom it is about. A domain is nobody."""
    value = block.value if block.kind == "domain" else ""
    return block.model_copy(update={"state": "purged", "value": value, "due": (), "due_at": None})


def about_identity(block: Block, known_as: Identity) -> Block | None:
    """What goes on blocking one of a purged contact's identities, which nothing connects to the contact any more."""
    if known_as.kind == "external":
        return None
    return Block(
        id=block_id(block.account_id, known_as.kind, known_as.value),
        account_id=block.account_id,
        kind=known_as.kind,
        value="",
        state="purged",
        reason=block.reason,
        actor=block.actor,
        created_at=block.created_at,
        purge_at=block.purge_at,
        parent_id=block.id,
    )


def candidates(contact_ids: Iterable[str], known_as: Identity) -> tuple[str, ...]:
    """The ids of every block that would cover a message of a contact under this identity, the closest first."""
    account_id = known_as.account_id
    ids = [block_id(account_id, "contact", contact_id) for contact_id in contact_ids]
    if known_as.kind != "external":
        ids.append(block_id(account_id, known_as.kind, known_as.value))
    if known_as.domain:
        ids.append(block_id(account_id, "domain", known_as.domain))
    return tuple(ids)


def covers(block: Block, ticket: Ticket, contact_ids: Iterable[str]) -> bool:
    """Whether a ticket is of whom the block is about; `contact_ids` are those of a blocked contact."""
    if block.kind == "contact":
        return ticket.contact_id in set(contact_ids)
    address = ticket.correspondence.theirs.strip()
    if block.kind in {"phone", "visitor"}:
        return address == block.value
    address = address.lower()
    return address == block.value if block.kind == "email" else address.rpartition("@")[2] == block.value


def hidden(ticket: Ticket, block: Block, *, now: datetime) -> Ticket:
    """The ticket out of every list; what it is stays, so that it comes back as it was."""
    if block.id in ticket.hidden_by or ticket.erased_at is not None:
        return ticket
    return _seen(ticket, (*ticket.hidden_by, block.id), block, cause="block", now=now)


def shown(ticket: Ticket, block: Block, *, now: datetime) -> Ticket:
    """The ticket after a block of it was lifted; another one may hide it still."""
    if block.id not in ticket.hidden_by:
        return ticket
    rest = tuple(one for one in ticket.hidden_by if one != block.id)
    return _seen(ticket, rest, block, cause="unblock", now=now)


def _seen(ticket: Ticket, hidden_by: tuple[str, ...], block: Block, *, cause: str, now: datetime) -> Ticket:
    was_hidden = ticket.hidden
    ticket = ticket.model_copy(update={"hidden_by": hidden_by})
    if ticket.hidden == was_hidden:
        return ticket
    ticket = ticket.model_copy(update={"version": ticket.version + 1})
    return say(ticket, TicketVisibilityChanged, actor=block.actor, cause=cause, now=now, hidden=ticket.hidden)
