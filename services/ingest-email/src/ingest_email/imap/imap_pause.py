"""How long to leave a mailbox alone after a failure. Pure."""

import random
from collections.abc import Mapping
from dataclasses import dataclass

from ingest_email.imap.imap_failure import FailureCode

_DOUBLINGS = 20


@dataclass(frozen=True, slots=True)
class _Range:
    """The longest pause after the first failure, and after many."""

    first_seconds: float
    longest_seconds: float


_PASSING = _Range(1, 300)
_LASTING: Mapping[FailureCode, _Range] = {
    # Providers lock accounts that knock too often with a wrong password. New settings end the pause.
    "login_refused": _Range(60, 3600),
    "token_refused": _Range(60, 3600),
    "authorization_ended": _Range(60, 3600),
    "folder_unsteady": _Range(60, 600),
    "forbidden_address": _Range(10, 600),
}


def pause_seconds(code: FailureCode, failures: int, chance: random.Random) -> float:
    """Full jitter: anything up to the limit, which doubles with every failure in a row.

    What lasts is waited for at least half as long, or a lucky draw would be another try at once.
    """
    limits = _LASTING.get(code, _PASSING)
    limit = min(limits.first_seconds * 2 ** min(failures - 1, _DOUBLINGS), limits.longest_seconds)
    return chance.uniform(limit / 2 if code in _LASTING else 0, limit)
