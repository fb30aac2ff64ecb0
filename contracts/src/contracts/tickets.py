"""Everything that happens to a ticket: the public product that other systems subscribe to (E1).

Thin: no bodies. Each ticket numbers its events (`seq`, from 1, without a gap); a consumer drops what it has seen.
"""

from typing import ClassVar, Literal

from contracts.envelope import Event, Shape, UtcDatetime
from contracts.people import Actor, Channel

Status = Literal["open", "snoozed", "closed"]
"""Public contract: the three states of a ticket (L1)."""

Priority = Literal["low", "normal", "high", "urgent"]
"""Public contract: how pressing a ticket is (L8)."""

MessageKind = Literal["inbound", "outbound", "note", "system"]
"""Public contract: from the customer, to the customer, internal, or written by Deskbus to the customer."""


class TicketFacts(Shape):
    """The ticket as it stood right after the change.

    `assignment_epoch` rises whenever an earlier assignment decision must no longer apply; `cycle` with each reopening;
    `held` says a person unassigned it on purpose (A6). `merged_into` is the ticket that took over its thread (L7).
    `hidden`: out of every list while its customer is blocked (L9).
    """

    id: str
    number: int
    channel: Channel
    status: Status
    assignee_id: str | None = None
    team_id: str | None = None
    tags: tuple[str, ...] = ()
    priority: str = "normal"
    contact_id: str
    assignment_epoch: int
    held: bool = False
    cycle: int = 1
    version: int
    created_at: UtcDatetime
    cycle_opened_at: UtcDatetime
    snoozed_until: UtcDatetime | None = None
    merged_into: str | None = None
    hidden: bool = False


class TicketEvent(Event):
    """What every event of a ticket says: which, in which order, who and why."""

    key_field: ClassVar[str] = "ticket_id"

    ticket_id: str
    seq: int
    actor: Actor
    cause: str
    ticket: TicketFacts


class TicketCreated(TicketEvent):
    """A customer's message opened a ticket, or an agent's split did (`cause`).

    `follow_up_of` and `suspected_thread_of` link to another one.
    """

    type: Literal["support.ticket.created.v1"] = "support.ticket.created.v1"
    follow_up_of: str | None = None
    suspected_thread_of: str | None = None
    campaign_id: str | None = None


class TicketMessageAdded(TicketEvent):
    """A message joined the thread. `message_seq` is its place; `automatic` says that no person wrote it.

    `macro_id` is the macro that an agent wrote it with (N2).
    """

    type: Literal["support.ticket.message_added.v1"] = "support.ticket.message_added.v1"
    message_id: str
    message_seq: int
    kind: MessageKind
    automatic: bool = False
    conversation_id: str | None = None
    macro_id: str | None = None


class TicketAssigned(TicketEvent):
    """The ticket has an assignee, a team, or both. `decision_id` is set when the router decided."""

    type: Literal["support.ticket.assigned.v1"] = "support.ticket.assigned.v1"
    previous_assignee_id: str | None = None
    decision_id: str | None = None


class TicketUnassigned(TicketEvent):
    """A person, or a policy, took the assignee away."""

    type: Literal["support.ticket.unassigned.v1"] = "support.ticket.unassigned.v1"
    previous_assignee_id: str | None = None


class TicketAssignmentRefused(TicketEvent):
    """A decision of the router came too late; the turn and the capacity go back (A2)."""

    type: Literal["support.ticket.assignment_refused.v1"] = "support.ticket.assignment_refused.v1"
    decision_id: str
    agent_id: str | None = None
    reason: Literal["stale_epoch", "not_open", "already_assigned", "held", "unknown_agent"]


class TicketClosed(TicketEvent):
    """The ticket was closed."""

    type: Literal["support.ticket.closed.v1"] = "support.ticket.closed.v1"


class TicketReopened(TicketEvent):
    """The ticket is open again; a new cycle began."""

    type: Literal["support.ticket.reopened.v1"] = "support.ticket.reopened.v1"


class TicketSnoozed(TicketEvent):
    """The ticket is out of sight until `ticket.snoozed_until`."""

    type: Literal["support.ticket.snoozed.v1"] = "support.ticket.snoozed.v1"


class TicketUnsnoozed(TicketEvent):
    """The ticket is back; `cause` is `timer`, `customer_reply` or `agent`."""

    type: Literal["support.ticket.unsnoozed.v1"] = "support.ticket.unsnoozed.v1"


class TicketTagsChanged(TicketEvent):
    """Tags were added or removed."""

    type: Literal["support.ticket.tags_changed.v1"] = "support.ticket.tags_changed.v1"
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


class TicketPriorityChanged(TicketEvent):
    """The ticket is more or less pressing: `ticket.priority` instead of `previous`."""

    type: Literal["support.ticket.priority_changed.v1"] = "support.ticket.priority_changed.v1"
    previous: str


CustomFieldType = Literal["text", "number", "boolean", "date", "choice"]
"""Public contract: what a custom field holds (L8)."""


class CustomFieldChange(Shape):
    """One custom field that has another value. A date is a string such as `2026-11-20`; no value is null.

    What a field of type `text` says is left out, like a body: it may be anything.
    """

    key: str
    field_type: CustomFieldType
    previous: bool | int | float | str | None = None
    value: bool | int | float | str | None = None


class TicketCustomFieldsChanged(TicketEvent):
    """Custom fields of the ticket have other values."""

    type: Literal["support.ticket.custom_fields_changed.v1"] = "support.ticket.custom_fields_changed.v1"
    changes: tuple[CustomFieldChange, ...]


class TicketMerged(TicketEvent):
    """One ticket became part of another; said on both. The source is closed; what comes for it goes to the target."""

    type: Literal["support.ticket.merged.v1"] = "support.ticket.merged.v1"
    source_id: str
    target_id: str


class TicketSplit(TicketEvent):
    """Messages of one ticket became another one; said on both."""

    type: Literal["support.ticket.split.v1"] = "support.ticket.split.v1"
    source_id: str
    target_id: str
    message_ids: tuple[str, ...]


class TicketMessageRedacted(TicketEvent):
    """What a message said is gone for good, by an admin (N1): whoever keeps a copy of its text or files removes it.

    `text_sha256` is of the text as UTF-8, in hexadecimal: it proves what was removed to whoever has it.
    `message_ticket_id` is the ticket that counts the message, if that was merged into this one.
    """

    type: Literal["support.ticket.message_redacted.v1"] = "support.ticket.message_redacted.v1"
    message_id: str
    message_ticket_id: str
    text_sha256: str
    reason: str


class TicketMessageCompleted(TicketEvent):
    """A mail that could not be understood when it came was read after all: its message has its text and files now.

    `message_ticket_id` is the ticket that counts the message.
    """

    type: Literal["support.ticket.message_completed.v1"] = "support.ticket.message_completed.v1"
    message_id: str
    message_ticket_id: str


class TicketSubjectChanged(TicketEvent):
    """The ticket is called otherwise. How is left out, like a body: whoever shows subjects reads the ticket."""

    type: Literal["support.ticket.subject_changed.v1"] = "support.ticket.subject_changed.v1"


class TicketAgentMentioned(TicketEvent):
    """A note names an agent, who is not its author (N3); said once for each agent and note."""

    type: Literal["support.ticket.agent_mentioned.v1"] = "support.ticket.agent_mentioned.v1"
    message_id: str
    agent_id: str


class TicketVisibilityChanged(TicketEvent):
    """The ticket left every list because its customer was blocked or forgotten (`hidden`), or is back (L9)."""

    type: Literal["support.ticket.visibility_changed.v1"] = "support.ticket.visibility_changed.v1"
    hidden: bool


class TicketDeliveryUpdated(TicketEvent):
    """What became of an outgoing message of this ticket."""

    type: Literal["support.ticket.delivery_updated.v1"] = "support.ticket.delivery_updated.v1"
    message_id: str
    state: Literal["queued", "sent", "delivered", "failed", "uncertain"]
    reason: str | None = None
