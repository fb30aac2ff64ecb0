"""What can be blocked, and what a block covers (L9)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.people import Actor
from tickets.privacy.block import REVERSIBLE_FOR, Block, begun, covers, hidden, normalised_value, purged, shown
from tickets.ticket.model import Correspondence

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
ANN = Actor(kind="agent", id="agt_1")


def block(kind: Any, value: str, *, hard: bool = False) -> Block:
    """A block of this morning."""
    return begun("acc_1", kind, value, reason=None, actor=ANN, hard=hard, now=NOW)


@pytest.mark.parametrize(
    ("kind", "given", "kept"),
    [
        ("email", " Carl@X.example ", "carl@x.example"),
        ("email", "carl", None),
        ("domain", "@X.example", "x.example"),
        ("domain", "example", None),
        ("phone", "+33612345678", "+33612345678"),
        ("phone", "0612345678", None),
        ("visitor", "vis_1", "vis_1"),
        ("contact", "con_1; drop", None),
    ],
)
def test_values_have_one_spelling(kind: Any, given: str, kept: str | None) -> None:
    """What names the same thing is one block, and what names nothing is none (L9)."""
    assert normalised_value(kind, given) == kept


def test_a_block_covers_what_its_kind_says(make_ticket: Any) -> None:
    """A domain covers the addresses under it and no subdomain's; a contact all its tickets, merged ones too (L9)."""
    ticket = make_ticket(correspondence=Correspondence(ours="s@a.example", theirs="Carl@X.example", contact_key="c"))

    assert covers(block("domain", "x.example"), ticket, ())
    assert covers(block("email", "carl@x.example"), ticket, ())
    assert not covers(block("domain", "example"), ticket, ())
    assert not covers(block("phone", "+33612345678"), ticket, ())
    assert covers(block("contact", "con_9"), ticket, ("con_9", "con_1"))


def test_two_blocks_hide_until_both_are_lifted(make_ticket: Any) -> None:
    """A ticket that two blocks cover says so once, and is back when the last is lifted (L9)."""
    one, two = block("email", "carl@customer.example"), block("domain", "customer.example")
    ticket = hidden(hidden(make_ticket(), one, now=NOW), two, now=NOW)
    half = shown(ticket, one, now=NOW)
    whole = shown(half, two, now=NOW)

    assert [ticket.hidden, half.hidden, whole.hidden] == [True, True, False]
    assert [entry.body["hidden"] for entry in whole.outbox] == [True, False]


def test_a_hard_block_purges_now_and_another_in_thirty_days() -> None:
    """What can be undone is kept for 30 days; a purged block names nobody, but a domain is nobody (L9)."""
    soft, hard = block("email", "carl@x.example"), block("email", "carl@x.example", hard=True)

    assert timedelta(days=30) == REVERSIBLE_FOR
    assert (soft.purge_at - NOW, hard.purge_at) == (REVERSIBLE_FOR, NOW)
    assert [due.kind for due in soft.due] == ["hide", "purge"]
    assert [due.kind for due in hard.due] == ["purge"]
    assert (purged(soft).value, purged(block("domain", "x.example")).value) == ("", "x.example")
