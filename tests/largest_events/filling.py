"""Values with every field at its largest."""

from datetime import UTC, datetime
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import MaxLen
from pydantic import AwareDatetime
from pydantic.fields import FieldInfo

from contracts.envelope import Event, Shape
from contracts.people import Actor
from contracts.tickets import TicketEvent, TicketFacts
from tickets.life.ticket_edits import MAX_TAGS

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
COSTLY = "\x01"
"""The character that takes most of all in JSON: six bytes. Where it is refused or taken out, an emoji takes four."""
EMOJI = "😀"
AN_ID = "x" * 100
A_LINE = 1_000
"""Characters of a text that nothing but our own code makes: a reason, a rule, an id."""


def text_of(size: int) -> str:
    """So many characters, as large as they come."""
    return COSTLY * size


def filled(shape: type[Shape], **given: Any) -> Any:
    """A value with every field at its largest, as far as nobody gives another one."""
    values = {name: _largest(field) for name, field in shape.model_fields.items() if name not in given}
    return shape.model_validate({**values, **given})


def _largest(field: FieldInfo) -> Any:
    limits = [limit.max_length for limit in field.metadata if isinstance(limit, MaxLen)]
    for kind in _kinds(field.annotation):
        if get_origin(kind) is Literal:
            return max(get_args(kind), key=len)
        if kind in _OF_KIND:
            return _OF_KIND[kind]
        if kind is str:
            return text_of(min([A_LINE, *limits]))
    return field.get_default(call_default_factory=True)


_OF_KIND: dict[Any, Any] = {bool: True, int: 2**53, datetime: NOON, AwareDatetime: NOON}


def _kinds(annotation: Any) -> list[Any]:
    """What a field may be, without limits and alternatives around it."""
    if get_origin(annotation) is Annotated:
        return _kinds(get_args(annotation)[0])
    if get_origin(annotation) in {UnionType, Union}:
        return [kind for part in get_args(annotation) for kind in _kinds(part)]
    return [annotation]


def envelope(**given: Any) -> dict[str, Any]:
    """What every event has."""
    return {"id": "e" * 200, "account_id": "a" * 100, "time": NOON, **given}


ACTOR = Actor(kind="customer", id=AN_ID)
FACTS = filled(TicketFacts, tags=tuple(text_of(100) for _ in range(MAX_TAGS)), channel="email", id=AN_ID)


def of_ticket(kind: type[TicketEvent], **given: Any) -> Event:
    """An event of a ticket with as many tags as it may have."""
    told: Event = filled(kind, **envelope(actor=ACTOR, ticket=FACTS, ticket_id=AN_ID, **given))
    return told
