"""Which mail a machine wrote (X7)."""

import pytest

from ingest_email.parsing.automatic import classify
from ingest_email.parsing.header_block import read_block
from ingest_email.parsing.model import AutomaticMark

PERSON = "jane@customer.example"


@pytest.mark.parametrize(
    ("field", "mark"),
    [
        ("Auto-Submitted: auto-replied", AutomaticMark("auto_reply", "auto_submitted")),
        ("Auto-Submitted: auto-generated (cron); x=y", AutomaticMark("auto_reply", "auto_submitted")),
        ("Auto-Submitted: No", None),
        ("Auto-Submitted: no (really)", None),
        ("X-Auto-Response-Suppress: All", AutomaticMark("auto_reply", "auto_response_suppress")),
        ("Precedence: bulk", AutomaticMark("list", "precedence")),
        ("Precedence: Junk", AutomaticMark("list", "precedence")),
        ("Precedence: first-class", None),
        ("List-Id: <news.list.example>", AutomaticMark("list", "list_id")),
        (
            'Content-Type: multipart/report; boundary="b"; report-type="delivery-status"',
            AutomaticMark("bounce", "delivery_status_report"),
        ),
        ("Content-Type: multipart/report; report-type=feedback-report", None),
        ("Subject: I am out of office", None),
    ],
)
def test_rule(field: str, mark: AutomaticMark | None) -> None:
    """Each header of a machine is known by its rule; a person's mail has none."""
    assert classify(read_block(f"{field}\r\n\r\n".encode()), envelope_sender=PERSON) == mark


def test_null_reverse_path_alone_is_a_bounce() -> None:
    """A bounce that is not in the standard's form still comes from nobody."""
    assert classify(read_block(b"Subject: failed\r\n\r\n"), envelope_sender="") == AutomaticMark(
        "bounce", "null_reverse_path"
    )


def test_a_vacation_answer_with_null_path_is_no_bounce() -> None:
    """RFC 3834 wants vacation answers sent from the null path: what they say of themselves goes first."""
    mark = classify(read_block(b"Auto-Submitted: auto-replied\r\n\r\n"), envelope_sender="")

    assert mark == AutomaticMark("auto_reply", "auto_submitted")
