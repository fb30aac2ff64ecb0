"""The documents of tickets and their messages. No rules: those are the policies beside this file."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from contracts.deliveries import DeliveryState
from contracts.envelope import UtcDatetime
from contracts.intake import Verdict
from contracts.people import Actor, Attachment, Channel
from contracts.tickets import MessageKind, Priority, Status
from service_kit.docstore import CollectionSpec, Document, Index
from service_kit.outbox import Outboxed
from service_kit.timers import Timed
from tickets.custom.custom_fields import CustomValue, terms
from tickets.ticket.inbox_readers import inbox_readers

_RANKS: Mapping[Priority, int] = {"low": 0, "normal": 1, "high": 2, "urgent": 3}


class Correspondence(BaseModel):
    """Where the next reply goes, as the customer's last message says.

    `ours` is the address or number they wrote to (M3), `theirs` what they wrote from: an address, a number or a
    visitor id. `cc` are the other participants of a mail thread (X3, X8). `mail_chain` are the Message-IDs of the
    thread, oldest first and capped, for `References`.
    """

    model_config = ConfigDict(frozen=True)

    ours: str
    theirs: str
    contact_key: str
    conversation_id: str | None = None
    cc: tuple[str, ...] = ()
    mail_chain: tuple[str, ...] = ()


class MergeClaim(BaseModel):
    """That one ticket becomes part of another: held by both until it is done, so that any replica can finish it.

    `at` tells two attempts at the same merge apart; `source_version` is the one that the caller saw, if they said.
    """

    model_config = ConfigDict(frozen=True)

    source_id: str
    target_id: str
    actor: Actor
    at: UtcDatetime
    source_version: int | None = None


class SplitIntent(BaseModel):
    """That messages of a ticket become another one: held until they have moved, so that any replica can finish it."""

    model_config = ConfigDict(frozen=True)

    ticket_id: str
    number: int
    subject: str
    message_ids: tuple[str, ...]
    actor: Actor
    at: UtcDatetime


class Ticket(Outboxed, Timed):
    """One conversation.

    `thread_key` is held by the one ticket that takes the next message of an SMS contact, a chat or a mail; a ticket
    followed by another gives it up and points to it (`continued_by`). `version` rises when the ticket's meaning
    changes (`If-Match`), `rev` with every write. `assignment_epoch` rises whenever a decision made before must no
    longer apply. `read_by` are the agents who have seen the newest message. A merged ticket is closed for good and
    points to the one that took over (`merged_into`), which knows it in turn (`merged`) and reads its
    `merged_messages` besides its own: messages stay where they are. `moved_messages` left it by a split.
    `followed_by` are tickets that say they follow this one, the latest. `quiet_since` is when an agent answered, or the
    ticket came back into sight after that, and no word of the customer has come since.
    """

    account_id: str
    number: int
    thread_key: str | None
    channel: Channel
    subject: str
    status: Status = "open"
    snoozed_until: UtcDatetime | None = None
    closed_at: UtcDatetime | None = None
    assignee_id: str | None = None
    team_id: str | None = None
    contact_id: str
    correspondence: Correspondence
    tags: tuple[str, ...] = ()
    priority: Priority = "normal"
    cycle: int = 1
    cycle_opened_at: UtcDatetime
    reopened_at: tuple[UtcDatetime, ...] = ()
    assignment_epoch: int = 1
    held: bool = False
    judged_decisions: tuple[str, ...] = ()
    version: int = 1
    next_seq: int = 1
    event_seq: int = 0
    follow_up_of: str | None = None
    suspected_thread_of: str | None = None
    continued_by: str | None = None
    merged_into: str | None = None
    merged: tuple[str, ...] = ()
    merged_messages: int = 0
    merge_claim: MergeClaim | None = None
    moved_messages: int = 0
    split_intent: SplitIntent | None = None
    followed_by: tuple[str, ...] = ()
    last_inbound_at: UtcDatetime | None = None
    last_public_by: Literal["customer", "us"] | None = None
    quiet_since: UtcDatetime | None = None
    custom: dict[str, CustomValue] = Field(default_factory=dict)
    read_by: tuple[str, ...] = ()
    search_tokens: tuple[str, ...] = ()
    hidden_by: tuple[str, ...] = ()
    erased_at: UtcDatetime | None = None
    created_at: UtcDatetime
    updated_at: UtcDatetime

    @property
    def hidden(self) -> bool:
        """Whether no list, count or search shows it: its customer is blocked (`hidden_by`) or forgotten (L9)."""
        return bool(self.hidden_by) or self.erased_at is not None

    @property
    def is_open(self) -> bool:
        """Whether it waits for an agent now."""
        return self.status == "open"

    @property
    def urgency(self) -> str:
        """What orders tickets by priority, and those of the same by when they changed."""
        return f"{_RANKS[self.priority]}/{self.updated_at.isoformat(timespec='microseconds')}"

    @property
    def inbox_readers(self) -> tuple[str, ...]:
        """Who has read it in which inbox, while it lies in one."""
        return inbox_readers(self.assignee_id, self.read_by) if self.is_open and not self.hidden else ()

    @property
    def awaits_customer_since(self) -> datetime | None:
        """Since when the next word is the customer's, in a ticket that lies open (L4)."""
        return self.quiet_since if self.is_open and not self.hidden else None

    @property
    def custom_terms(self) -> tuple[str, ...]:
        """What its custom fields are found by."""
        return terms(self.custom)

    @property
    def message_count(self) -> int:
        """How many messages its thread has: with those of tickets merged into it, without those split off."""
        return self.next_seq - 1 + self.merged_messages - self.moved_messages


class Delivery(BaseModel):
    """What became of an outgoing message."""

    model_config = ConfigDict(frozen=True)

    state: DeliveryState
    reason: str | None = None


class Redaction(BaseModel):
    """That an admin took a message's text and files away (N1): who, when and why, and the hash of the text."""

    model_config = ConfigDict(frozen=True)

    text_sha256: str
    reason: str
    actor: Actor
    at: UtcDatetime


class Message(Document):
    """One message of a thread.

    Its ticket, verdict and rule are decided before the ticket counts it; `seq` is its place there and is set when
    the ticket's event about it is published: a message without `seq` is not part of any thread yet. `ticket_id` is
    None for a message that was recorded and belongs nowhere (a keyword, our own mail). `follow_up_of` is the closed
    ticket whose thread the message's ticket takes over. `mail_id` is the mail's own
    Message-ID and `mail_references` those it refers to, each prefixed with the account. `parse_error` is set while a
    mail was not understood, or not all of it.
    """

    account_id: str
    ticket_id: str | None
    verdict: Verdict | None = None
    rule: str = ""
    follow_up_of: str | None = None
    first_delivery_id: str | None = None
    seq: int | None = None
    kind: MessageKind
    author: Actor
    author_name: str | None = None
    text: str
    html: str | None = None
    quoted_text: str | None = None
    attachments: tuple[Attachment, ...] = ()
    mail_id: str | None = None
    mail_references: tuple[str, ...] = ()
    delivery: Delivery | None = None
    macro_id: str | None = None
    automatic: bool = False
    parse_error: str | None = None
    mentions: tuple[str, ...] = ()
    provider_message_id: str | None = None
    is_guest: bool = False
    erased_at: UtcDatetime | None = None
    redaction: Redaction | None = None
    created_at: UtcDatetime

    @property
    def is_settled(self) -> bool:
        """Whether nothing is left to do for it: its ticket counts it, or it belongs to none."""
        return self.ticket_id is None or self.seq is not None

    @property
    def traces(self) -> tuple[str, ...]:
        """What an erasure looks for: the bytes of its files, and who wrote it as a guest in another's ticket."""
        guest = (self.author.id,) if self.is_guest and self.author.id else ()
        return (*(file.blob_key for file in self.attachments), *guest)

    @property
    def mail_ids(self) -> tuple[str, ...]:
        """Every Message-ID that leads to it: its own, and those it refers to."""
        return (self.mail_id, *self.mail_references) if self.mail_id is not None else self.mail_references


class HistoryEntry(Document):
    """One published event of a ticket, kept for ever; id is ticket and seq, so that writing it again is harmless.

    `recorded_at` is when it was first written here: the order in which an account's changes are followed.
    """

    account_id: str
    ticket_id: str
    seq: int
    version: int
    type: str
    actor: Actor
    cause: str
    at: UtcDatetime
    recorded_at: UtcDatetime | None = None
    data: dict[str, Any]


def entry_id(ticket_id: str, seq: int) -> str:
    """The id under which an event of a ticket is kept."""
    return f"{ticket_id}/{seq:09d}"


TICKETS = CollectionSpec(
    name="tickets",
    model=Ticket,
    indexes=(
        Index(("account_id", "thread_key"), unique=True),
        # Every list leaves out what is hidden: as a part of the index that costs nothing, and counts read no ticket.
        Index(("account_id", "hidden", "status", "updated_at")),
        Index(("account_id", "hidden", "status", "created_at")),
        Index(("account_id", "hidden", "assignee_id", "status", "updated_at")),
        Index(("account_id", "hidden", "updated_at")),
        Index(("account_id", "hidden", "created_at")),
        Index(("account_id", "hidden", "team_id", "status", "updated_at")),
        Index(("account_id", "hidden", "channel", "status", "updated_at")),
        Index(("account_id", "contact_id", "updated_at")),
        Index(("account_id", "hidden", "status", "urgency")),
        Index(("account_id", "hidden", "priority", "status", "updated_at")),
        Index(("account_id", "number")),
        Index(("account_id", "awaits_customer_since")),
        Index(("account_id", "tags")),
        Index(("account_id", "custom_terms")),
        Index(("outbox_since",)),
        Index(("due_at",)),
    ),
    lists=frozenset({"tags", "inbox_readers", "custom_terms"}),
    tokens="search_tokens",
)

MESSAGES = CollectionSpec(
    name="messages",
    model=Message,
    indexes=(Index(("ticket_id", "seq")), Index(("mail_ids",))),
    lists=frozenset({"mail_ids", "traces"}),
)

HISTORY = CollectionSpec(
    name="ticket_history",
    model=HistoryEntry,
    indexes=(Index(("ticket_id", "seq")), Index(("account_id", "recorded_at"))),
)
