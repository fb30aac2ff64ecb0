"""Which events a webhook gets, what they look like, and when a failed one is tried again. Pure."""

import json
import random
from collections.abc import Iterable
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from contracts.tickets import TicketEvent

_DELAYS_SECONDS = (1, 5, 30, 120, 900, 3600, 21_600, 86_400)
_JITTER = 0.1
_GONE = 410


def wants(patterns: Iterable[str], event_type: str) -> bool:
    """Whether a type matches one of the patterns, such as `support.ticket.*`."""
    return any(fnmatchcase(event_type, pattern) for pattern in patterns)


def cloud_event(event: TicketEvent) -> str:
    """The event as CloudEvents JSON (structured mode); `data.seq` orders the events of a ticket."""
    return json.dumps(
        {
            "specversion": "1.0",
            "id": event.id,
            "type": event.type,
            "source": "/deskbus/tickets",
            "subject": event.ticket_id,
            "time": event.time.isoformat(),
            "datacontenttype": "application/json",
            "data": event.model_dump(mode="json", exclude={"type", "id", "account_id", "time"}),
        },
        separators=(",", ":"),
        sort_keys=True,
    )


def next_attempt_at(attempt: int, now: datetime, chance: random.Random) -> datetime | None:
    """The moment after failed attempt number `attempt` (from 1), a little scattered; None when all are used up."""
    if attempt > len(_DELAYS_SECONDS):
        return None
    delay = _DELAYS_SECONDS[attempt - 1]
    return now + timedelta(seconds=delay * (1 + chance.uniform(0, _JITTER)))


def is_delivered(status: int) -> bool:
    """Any 2xx is taken; redirects are not followed and count as failures."""
    return 200 <= status < 300  # noqa: PLR2004 - the class of success


def is_gone(status: int) -> bool:
    """410 says that nobody wants these any more: the webhook is switched off (Standard Webhooks)."""
    return status == _GONE
