"""A decision told in words, for whoever asks why a ticket went where it went (A9). Pure.

The facts stand beside it in fields of their own; the wording is no contract.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from router.assigning.decisions import DecisionRecord
from router.queue.departures import AGENT_LEFT
from router.queue.unanswered import NOT_ANSWERED

_Naming = Callable[[str | None], str]

_CHOICES = {
    "round_robin": "whose last automatic assignment is the longest ago",
    "team_member": "whose last automatic assignment is the longest ago (round robin is off: online or not)",
    "least_loaded": "who has the fewest open tickets",
}

_MATCHES = {
    "tag": "A tag of the ticket leads to {team}.",
    "segment": "A segment of its contact leads to {team}.",
    "person": "A person gave it to {team}.",
    None: "No team matches, so it is for {team}.",
}

_EXCLUSIONS = {
    "offline": "offline",
    "outside_hours": "outside office hours",
    "at_capacity": "at capacity",
    "not_in_team": "not in the team",
    "no_permission": "not permitted",
}


def explained(record: DecisionRecord, names: Mapping[str, str]) -> str:
    """Why it was decided so; agents and teams by `names`, by id where there is none."""
    return " ".join(_sentences(record, lambda one: names.get(one or "", one or "nobody")))


def _sentences(record: DecisionRecord, name: _Naming) -> Iterator[str]:
    if record.rule == NOT_ANSWERED:
        yield f"{name(record.returned_from)} did not answer in time: the ticket went back to the queue."
        return
    if record.rule == AGENT_LEFT:
        yield f"{name(record.returned_from)} works here no more: the ticket went back to the queue."
        return
    yield from _of_teams(record, name)
    yield _of_candidates(record)
    if record.chosen is None:
        yield f"So it waits for {name(record.team_id)}."
        return
    yield f"{name(record.chosen)} has it: of those who can take it, the one {_CHOICES.get(record.rule, record.rule)}."


def _of_teams(record: DecisionRecord, name: _Naming) -> Iterator[str]:
    first = record.overflowed_from[0] if record.overflowed_from else record.team_id
    yield _MATCHES[record.matched_by].format(team=name(first))
    if record.losing_teams:
        losers = ", ".join(name(team.team_id) for team in record.losing_teams)
        yield f"Ranked lower, though they match as well: {losers}."
    if record.overflowed_from:
        waited = ", then ".join(name(team_id) for team_id in record.overflowed_from)
        yield f"It waited too long for {waited}: {name(record.team_id)} takes over."


def _of_candidates(record: DecisionRecord) -> str:
    able = sum(candidate.eligible for candidate in record.candidates)
    excluded = Counter(candidate.reason for candidate in record.candidates if candidate.reason is not None)
    reasons = ", ".join(f"{count} {_EXCLUSIONS[reason]}" for reason, count in sorted(excluded.items()))
    whole = f"{able} of {len(record.candidates)} agents can take it"
    return f"{whole} ({reasons})." if reasons else f"{whole}."
