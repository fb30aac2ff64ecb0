"""Handovers: a ticket was given to somebody, or taken back from them. Pure; no I/O."""

from typing import Literal, get_args

from contracts.envelope import UtcDatetime
from contracts.people import Channel
from contracts.tickets import TicketAssigned, TicketEvent, TicketUnassigned
from service_kit.docstore import CollectionSpec, Document, Index

TakenBack = Literal["not_answered", "agent_left"]
"""Why the system takes a ticket back; as the event's `cause` says it."""

HandoverKind = Literal["assigned_automatically", "assigned_by_hand", "not_answered", "agent_left"]
"""Public contract: the columns of the report."""

_TAKEN_BACK: dict[str, TakenBack] = {kind: kind for kind in get_args(TakenBack)}


class Handover(Document):
    """One handover; its id is made of the account's and the event's, so that counting it twice counts it once.

    `agent_id` is who was given the ticket, or lost it. Team and tags are the ticket's right after it.
    """

    account_id: str
    at: UtcDatetime
    kind: HandoverKind
    agent_id: str
    channel: Channel
    team_id: str | None
    tags: tuple[str, ...]


HANDOVERS = CollectionSpec(name="handovers", model=Handover, indexes=(Index(("account_id", "at")),))


def handover(event: TicketEvent) -> Handover | None:
    """The handover that an event tells of, if it does; nobody takes a ticket from a team."""
    kind, agent_id = _given(event) if isinstance(event, TicketAssigned) else _taken(event)
    if kind is None or agent_id is None:
        return None
    return Handover(
        id=f"{event.account_id}/{event.id}",
        account_id=event.account_id,
        at=event.time,
        kind=kind,
        agent_id=agent_id,
        channel=event.ticket.channel,
        team_id=event.ticket.team_id,
        tags=event.ticket.tags,
    )


def _given(event: TicketAssigned) -> tuple[HandoverKind | None, str | None]:
    is_automatic = event.decision_id is not None
    return ("assigned_automatically" if is_automatic else "assigned_by_hand"), event.ticket.assignee_id


def _taken(event: TicketEvent) -> tuple[HandoverKind | None, str | None]:
    if not isinstance(event, TicketUnassigned):
        return None, None
    return _TAKEN_BACK.get(event.cause), event.previous_assignee_id
