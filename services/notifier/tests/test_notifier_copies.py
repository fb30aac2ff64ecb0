"""The rules for people in copy, as far as no relay is needed to see them (X8)."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.deliveries import DeliveryUpdated
from notifier.copies import in_copy, waiting
from notifier.model import Delivery
from notifier.outcome import begun, bounced, copy_bounced, deferred, handed_over, refused
from notifier.redaction import emptied
from notifier.relay_answer import Handed, RelayAnswer

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
ZOE, BOB, EVE = "zoe@customer.example", "bob@customer.example", "eve@customer.example"
EVERYBODY = (ZOE, BOB, EVE)
LATER, NEVER = RelayAnswer(451, "4.7.1 later"), RelayAnswer(550, "5.1.1 gone")


MakeDelivery = Callable[..., Delivery]


@pytest.fixture(scope="module")
def delivery(make_delivery: MakeDelivery) -> Delivery:
    """A reply with two people in copy that nobody tried to send."""
    return make_delivery(to=ZOE, cc=(BOB, EVE))


def told_of(one: Delivery) -> list[tuple[str, str | None]]:
    """State and reason of each event that a delivery has to tell; no two are the same event."""
    events = [event for entry in one.outbox if isinstance(event := entry.event(), DeliveryUpdated)]
    assert len({event.id for event in events}) == len(events)
    return [(event.state, event.reason) for event in events]


def test_everybody_in_copy_counts_once(make_delivery: MakeDelivery) -> None:
    """However an address is written, and never the customer again."""
    found = in_copy(make_delivery(to=ZOE, cc=(BOB, "Bob@Customer.example", "ZOE@customer.example", EVE)).request)

    assert {one.lower() for one in found} == {BOB, EVE}
    assert len(found) == 2


@settings(max_examples=60)
@given(
    st.lists(
        st.dictionaries(st.sampled_from(EVERYBODY), st.sampled_from([LATER, NEVER]), max_size=3),
        min_size=1,
        max_size=5,
    )
)
def test_whatever_a_relay_says_nobody_is_handed_the_mail_twice(
    delivery: Delivery, attempts: list[dict[str, RelayAnswer]]
) -> None:
    """Each attempt is for those who neither have it nor never will; it is due for as long as there are any."""
    now, one, had = NOON, delivery, list[str]()
    for refusals in attempts:
        if not one.due:
            break
        asked = [*(() if one.is_told else (ZOE,)), *waiting(one)]
        said = {address: answer for address, answer in refusals.items() if address in asked}
        one = handed_over(begun(one, now), Handed("250 ok", said), now, may_be_doubled=False)
        had += [address for address in asked if address not in said]
        now += timedelta(hours=1)

    assert len(had) == len(set(had))
    assert bool(one.due) == (not one.is_told or bool(waiting(one)))
    assert (one.state == "sent") == (ZOE in had)
    assert {copy.address for copy in one.copies if copy.state == "sent"} == set(had) - {ZOE}


def test_copies_are_given_up_when_the_mail_is(delivery: Delivery) -> None:
    """After five days who is still put off has failed, and nothing is due; the customer's state stays."""
    sent = handed_over(begun(delivery, NOON), Handed("250 ok", {BOB: LATER}), NOON, may_be_doubled=False)
    late = NOON + timedelta(days=5, minutes=1)
    ended = handed_over(begun(sent, late), Handed("", {BOB: LATER}), late, may_be_doubled=False)
    broken = deferred(begun(sent, late), "relay away", late)

    assert (sent.state, bool(sent.due)) == ("sent", True)
    assert [(one.state, one.due, one.copies[0].state) for one in (ended, broken)] == [("sent", (), "failed")] * 2
    assert [told_of(one) for one in (sent, ended)] == [
        [("sent", None)],
        [("sent", None), ("sent", f"not in copy: {BOB}: given up after 2 attempts")],
    ]


def test_a_broken_line_on_the_way_to_copies_is_remembered(delivery: Delivery) -> None:
    """They may have the mail already: it leaves once more, and their copy says so; the customer is told nothing new."""
    sent = handed_over(begun(delivery, NOON), Handed("250 ok", {BOB: LATER}), NOON, may_be_doubled=False)
    doubtful = deferred(begun(sent, NOON), "line cut", NOON, in_doubt=True)
    again = handed_over(begun(doubtful, NOON), Handed("250 ok"), NOON, may_be_doubled=doubtful.is_sending)

    assert doubtful.is_sending
    assert (again.state, again.due) == ("sent", ())
    assert told_of(again) == [("sent", None)]
    assert "sent again after an interruption" in next(one.reason or "" for one in again.copies if one.address == BOB)


@pytest.mark.parametrize("in_flight", [False, True])
def test_a_bounce_leaves_those_in_copy_due(delivery: Delivery, *, in_flight: bool) -> None:
    """The customer's mail came back; who is in copy is still tried. A copy that comes back is told, once."""
    sent = handed_over(begun(delivery, NOON), Handed("250 ok", {BOB: LATER}), NOON, may_be_doubled=False)
    sent = begun(sent, NOON) if in_flight else sent
    failed = bounced(sent, "bounced: 550 5.1.1", NOON)
    noted = copy_bounced(sent, EVE.upper(), "bounced: gone", NOON)

    assert failed is not None
    assert (failed.state, bool(failed.due)) == ("failed", True)
    assert noted is not None
    assert (noted.state, next(one.state for one in noted.copies if one.address == EVE)) == ("sent", "failed")
    assert told_of(noted)[1:] == [("sent", f"not in copy: {EVE}: bounced: gone")]
    assert noted.is_sending is in_flight
    assert copy_bounced(noted, EVE, "bounced: gone", NOON) is None
    assert copy_bounced(sent, BOB, "bounced: gone", NOON) is None


def test_redacted_words_reach_nobody_in_copy_either(delivery: Delivery) -> None:
    """A redaction ends what waits for people in copy, though the customer has the mail (N1)."""
    sent = handed_over(begun(delivery, NOON), Handed("250 ok", {BOB: LATER}), NOON, may_be_doubled=False)
    gone = emptied(sent, NOON)

    assert (gone.state, gone.due) == ("sent", ())
    assert next(one.state for one in gone.copies if one.address == BOB) == "failed"


def test_a_mail_refused_as_a_whole_is_refused_for_everybody(delivery: Delivery) -> None:
    """What is wrong with the mail itself is wrong for all who do not have it."""
    whole = refused(begun(delivery, NOON), "554 no", NOON)

    assert (whole.state, whole.due) == ("failed", ())
    assert [(one.address, one.state) for one in whole.copies] == [(BOB, "failed"), (EVE, "failed")]
