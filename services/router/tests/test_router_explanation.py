"""Decisions told in words (A9)."""

from datetime import UTC, datetime
from typing import Any, get_args

import pytest

from contracts.routing import Candidate, Exclusion, LosingTeam
from router.assigning.decisions import DecisionRecord
from router.assigning.explanation import explained

NAMES = {"ann": "Ann", "bob": "Bob", "tea_1": "Billing", "tea_2": "Desk", "tea_3": "Gold"}


def _decided(**fields: Any) -> DecisionRecord:
    known = {
        "id": "dec",
        "account_id": "acc",
        "ticket_id": "t",
        "at": datetime(2026, 11, 20, 12, tzinfo=UTC),
        "rule": "round_robin",
        "chosen": "ann",
        "team_id": "tea_1",
        "assignment_epoch": 1,
        "candidates": (
            Candidate(agent_id="ann", eligible=True),
            Candidate(agent_id="bob", eligible=False, reason="offline"),
        ),
        "losing_teams": (),
        "schedule_version": None,
        "matched_by": "tag",
    }
    return DecisionRecord.model_validate(known | fields)


LONGEST = "Ann has it: of those who can take it, the one whose last automatic assignment is the longest ago."


@pytest.mark.parametrize(
    ("record", "sentences"),
    [
        (_decided(), ["A tag of the ticket leads to Billing.", "1 of 2 agents can take it (1 offline).", LONGEST]),
        (
            _decided(
                matched_by="segment",
                rule="least_loaded",
                losing_teams=(LosingTeam(team_id="tea_3", rank=5, matched_by="segment"),),
                candidates=(Candidate(agent_id="ann", eligible=True),),
            ),
            [
                "A segment of its contact leads to Billing.",
                "Ranked lower, though they match as well: Gold.",
                "1 of 1 agents can take it.",
                "Ann has it: of those who can take it, the one who has the fewest open tickets.",
            ],
        ),
        (
            _decided(matched_by=None, rule="nobody_eligible", chosen=None, candidates=()),
            ["No team matches, so it is for Billing.", "0 of 0 agents can take it.", "So it waits for Billing."],
        ),
        (
            _decided(matched_by="person", team_id="tea_2", overflowed_from=("tea_1", "tea_9"), candidates=()),
            [
                "A person gave it to Billing.",
                "It waited too long for Billing, then tea_9: Desk takes over.",
                "0 of 0 agents can take it.",
                LONGEST,
            ],
        ),
        (
            _decided(rule="not_answered", chosen=None, returned_from="bob"),
            ["Bob did not answer in time: the ticket went back to the queue."],
        ),
    ],
    ids=["round-robin", "least-loaded", "nobody", "overflow", "not-answered"],
)
def test_a_decision_reads_like_an_explanation(record: DecisionRecord, sentences: list[str]) -> None:
    """Which team and why, who could take it and why not the others, and what decided; in names."""

    assert explained(record, NAMES) == " ".join(sentences)


@pytest.mark.parametrize("reason", get_args(Exclusion))
def test_every_reason_has_words(reason: Exclusion) -> None:
    """A reason that is added needs words for people."""
    record = _decided(candidates=(Candidate(agent_id="ann", eligible=False, reason=reason),), chosen=None)

    assert reason not in explained(record, NAMES) or reason == "offline"
