"""A request to `POST /v1/events`, understood whole or refused whole. Pure; no I/O."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError

from contracts.envelope import Event
from service_kit.problem import Problem
from tickets.contacts.reported_events import Report

EVENTS_AT_ONCE = 1_000
MEDIA_TYPES = frozenset({"application/json", "application/cloudevents+json", "application/cloudevents-batch+json"})

_NAMED_AT_MOST = 100
_reports: TypeAdapter[Report] = TypeAdapter(Report)


def require_media_type(content_type: str) -> None:
    """Refuse what is not JSON.

    Raises:
        Problem: 415.
    """
    if content_type.partition(";")[0].strip().lower() not in MEDIA_TYPES:
        raise Problem(415, "unsupported_media_type", f"Send one of {', '.join(sorted(MEDIA_TYPES))}.")


def understand(body: Any, account_id: str, now: datetime) -> Sequence[Event]:
    """The events of one CloudEvent or a batch, in order.

    Raises:
        Problem: something does not fit (`invalid_events`), with the index of each; nothing of the batch is taken.
    """
    given = body if isinstance(body, list) else [body]
    if not 1 <= len(given) <= EVENTS_AT_ONCE:
        raise Problem(422, "invalid_events", f"A batch holds 1 to {EVENTS_AT_ONCE} events.", errors=[])
    events: list[Event] = []
    flaws: list[dict[str, Any]] = []
    for index, item in enumerate(given):
        try:
            events.append(_reports.validate_python(item).to_event(account_id, now))
        except ValidationError as error:
            flaws.extend(_flaws(index, error))
    if flaws:
        bad = len(given) - len(events)
        detail = f"{bad} of {len(given)} events do not fit; none was taken."
        raise Problem(422, "invalid_events", detail, errors=flaws[:_NAMED_AT_MOST])
    return events


def _flaws(index: int, error: ValidationError) -> Sequence[dict[str, Any]]:
    """Where and why, without the values: they are personal data."""
    return [
        {"index": index, "field": ".".join(str(part) for part in flaw["loc"]), "message": flaw["msg"]}
        for flaw in error.errors(include_url=False, include_context=False, include_input=False)
    ]
