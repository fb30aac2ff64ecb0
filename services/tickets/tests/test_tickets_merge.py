"""The rules of merging, and one thread out of several."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.people import Actor
from contracts.tickets import TicketClosed, TicketMerged
from service_kit.docstore import InvalidCursorError
from tickets.reshaping.merge import MAX_MERGED, MERGE, arrived, claimed, departed, is_merged, objection, released
from tickets.reshaping.merged_thread import newest, read_places, write_places
from tickets.ticket.model import Correspondence, MergeClaim, Message, Ticket
from tickets.ticket.ticket_events import SYSTEM

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ANN = Actor(kind="agent", id="agt_1")
CLAIM = MergeClaim(source_id="tic_1", target_id="tic_2", actor=ANN, at=NOON)


def _said(ticket: Ticket) -> list[str]:
    return [entry.type for entry in ticket.outbox]


@pytest.mark.parametrize(
    ("source", "target", "code"),
    [
        ({}, {"id": "tic_1"}, "merge_with_itself"),
        ({"merged_into": "tic_3"}, {}, "already_merged"),
        ({}, {"merged_into": "tic_3"}, "target_merged"),
        ({}, {"contact_id": "con_2"}, "contacts_differ"),
        ({}, {"status": "closed"}, "target_closed"),
        ({"status": "closed"}, {"status": "closed"}, None),
        ({}, {"merged": tuple(f"tic_{n}" for n in range(10, 10 + MAX_MERGED))}, "too_many_merged"),
        ({}, {"channel": "sms"}, None),
    ],
    ids=["itself", "already", "target", "contacts", "target-closed", "both-closed", "many", "channels"],
)
def test_what_stands_against_a_merge(
    make_ticket: Callable[..., Ticket], source: dict[str, object], target: dict[str, object], code: str | None
) -> None:
    """Each objection has its own code; different channels, and two closed tickets, may become one (L7)."""
    found = objection(make_ticket(**source), make_ticket(**{"id": "tic_2", **target}), across_contacts=False)

    assert found == code


def test_contacts_may_differ_if_that_is_meant(make_ticket: Callable[..., Ticket]) -> None:
    """Two customers become one thread only when it is said (L7)."""
    other = make_ticket(id="tic_2", contact_id="con_2")

    assert objection(make_ticket(), other, across_contacts=True) is None


def test_both_sides_of_a_merge(make_ticket: Callable[..., Ticket]) -> None:
    """The source closes and points on, the target knows it and counts its messages; both say so, once (L5, L7)."""
    source = claimed(make_ticket(next_seq=3, read_by=("agt_1",)), CLAIM, NOON)
    target = claimed(make_ticket(id="tic_2", next_seq=2, read_by=("agt_1", "agt_2")), CLAIM, NOON)
    gone = departed(source, CLAIM, NOON)
    here = arrived(target, gone, CLAIM, NOON)

    assert [due.kind for due in source.due] == [due.kind for due in target.due] == [MERGE]
    assert (gone.status, gone.merged_into, gone.merge_claim, gone.due_at) == ("closed", "tic_2", None, None)
    assert (here.merged, here.message_count, here.read_by, here.due_at) == (("tic_1",), 3, ("agt_1",), None)
    assert _said(gone) == [TicketClosed.model_fields["type"].default, TicketMerged.model_fields["type"].default]
    assert _said(here) == [TicketMerged.model_fields["type"].default]
    assert departed(gone, CLAIM, NOON) is gone
    assert arrived(here, gone, CLAIM, NOON) is here


def test_a_merge_that_was_let_go_does_nothing(make_ticket: Callable[..., Ticket]) -> None:
    """Without its claim a source stays, and the target then lets go as well (L7)."""
    source = released(claimed(make_ticket(), CLAIM, NOON), CLAIM)
    stayed = departed(source, CLAIM, NOON)
    target = arrived(claimed(make_ticket(id="tic_2"), CLAIM, NOON), stayed, CLAIM, NOON)

    assert stayed is source
    assert not is_merged(target, CLAIM)
    assert (target.merge_claim, target.due, target.outbox) == (None, (), ())


def test_the_target_takes_over_what_was_merged_before(make_ticket: Callable[..., Ticket]) -> None:
    """A ticket that took in others takes their threads along (L7)."""
    source = departed(claimed(make_ticket(merged=("tic_0",), merged_messages=4, next_seq=2), CLAIM, NOON), CLAIM, NOON)
    target = arrived(claimed(make_ticket(id="tic_2", next_seq=2), CLAIM, NOON), source, CLAIM, NOON)

    assert (target.merged, target.message_count) == (("tic_1", "tic_0"), 6)


@pytest.mark.parametrize(("channel", "theirs"), [("sms", "+33699"), ("email", "+33611")])
def test_where_the_next_reply_goes(make_ticket: Callable[..., Ticket], channel: str, theirs: str) -> None:
    """By SMS and chat to what the customer used last; a mail thread stays among those who are in it (L7)."""

    def talk(number: str) -> Correspondence:
        return Correspondence(ours="+1202", theirs=number, contact_key=number)

    later = make_ticket(channel=channel, correspondence=talk("+33699"), last_inbound_at=NOON)
    earlier = make_ticket(
        id="tic_2", channel=channel, correspondence=talk("+33611"), last_inbound_at=NOON - timedelta(hours=1)
    )
    source = departed(claimed(later, CLAIM, NOON), CLAIM, NOON)

    assert arrived(claimed(earlier, CLAIM, NOON), source, CLAIM, NOON).correspondence.theirs == theirs


def _message(ticket_id: str, seq: int, minute: int) -> Message:
    return Message(
        id=f"{ticket_id}/{seq}",
        account_id="acc_1",
        ticket_id=ticket_id,
        seq=seq,
        kind="inbound",
        author=SYSTEM,
        text="x",
        created_at=NOON + timedelta(minutes=minute),
    )


@given(st.lists(st.lists(st.integers(0, 50), max_size=8), max_size=4), st.integers(1, 5))
@settings(max_examples=50)
def test_pages_of_a_merged_thread(minutes: list[list[int]], limit: int) -> None:
    """Page by page every message comes once, newest first, and each ticket's in its own order (V3, L7)."""
    threads = {
        f"tic_{number}": [_message(f"tic_{number}", seq, minute) for seq, minute in enumerate(sorted(times), 1)]
        for number, times in enumerate(minutes)
    }
    places = dict.fromkeys(threads, 100)
    seen: list[Message] = []
    while True:
        left = [
            [message for message in reversed(thread) if (message.seq or 0) < places[ticket_id]][:limit]
            for ticket_id, thread in threads.items()
        ]
        page = newest(left, limit)
        if not page:
            break
        seen += page
        places = {**places, **{str(message.ticket_id): message.seq or 0 for message in page}}
        assert read_places(write_places(places)) == places
    times = [message.created_at for message in seen]

    assert times == sorted(times, reverse=True)
    assert sorted(message.id for message in seen) == sorted(one.id for thread in threads.values() for one in thread)


@pytest.mark.parametrize("cursor", ["nonsense", "é", write_places({"tic_1": -1}), "W10", "x" * 9_000])
def test_a_foreign_cursor_of_a_merged_thread(cursor: str) -> None:
    """A cursor that no such page handed out is refused."""
    with pytest.raises(InvalidCursorError):
        read_places(cursor)
