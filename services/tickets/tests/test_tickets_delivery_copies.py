"""What a message shows of people in copy, who are told later than the customer (X8)."""

import pytest

from tickets.ticket.model import Delivery
from tickets.writing.delivery_state import advances

GONE = "not in copy: bob@customer.example: 550 5.1.1 gone"


@pytest.mark.parametrize(
    ("known", "is_news"),
    [
        (Delivery(state="sent"), True),
        (Delivery(state="sent", reason="not in copy: eve@customer.example: 550 5.1.1 gone"), True),
        (Delivery(state="sent", reason=GONE), False),
        (Delivery(state="failed", reason="bounced"), False),
        (Delivery(state="delivered"), False),
    ],
)
def test_who_in_copy_did_not_get_it_is_news_of_a_sent_message(known: Delivery, *, is_news: bool) -> None:
    """Once for each finding, and never of a message that has failed for the customer."""
    assert advances(known, "sent", GONE) is is_news
