from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from contracts.people import Actor
from contracts.tickets import TicketEvent
from service_kit.outbox import OUTBOX_LIMIT
from tickets.life.assignment import by_hand
from tickets.life.life import awake, closed, reopened, seen_by, snoozed, tagged, timer_rang, unseen_by
from tickets.ticket.model import Message, Ticket
from tickets.ticket.ticket_events import facts
from tickets.writing.conversation import added

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ANN = Actor(kind="agent", id="agt_1")
CARL = Actor(kind="customer", id="con_1")

Act = Callable[[Ticket, datetime], Ticket]


def _message(ticket: Ticket, now: datetime) -> Ticket:
    fields = {"id": f"msg_{ticket.next_seq}", "account_id": "acc_1", "ticket_id": ticket.id, "text": "Hi"}
    message = Message(**fields, kind="inbound", author=CARL, created_at=now)
    return added(ticket, message, cause="customer_message", now=now)


ACTS: dict[str, Act] = {
    "close": lambda ticket, now: closed(ticket, actor=ANN, now=now),
    "reopen": lambda ticket, now: reopened(ticket, owner_stays=True, actor=ANN, cause="agent", now=now),
    "reopen to queue": lambda ticket, now: reopened(ticket, owner_stays=False, actor=CARL, cause="reply", now=now),
    "snooze": lambda ticket, now: (
        ticket if ticket.status == "closed" else snoozed(ticket, until=now + timedelta(hours=2), actor=ANN, now=now)
    ),
    "wake": lambda ticket, now: awake(ticket, actor=CARL, cause="customer_reply", now=now),
    "ring": lambda ticket, now: timer_rang(ticket, now=now),
    "tag": lambda ticket, now: tagged(ticket, ["a", str(ticket.version % 3)], actor=ANN, now=now),
    "assign": lambda ticket, now: by_hand(ticket, agent_id="agt_1", team_id=None, actor=ANN, now=now),
    "unassign": lambda ticket, now: by_hand(ticket, agent_id=None, team_id=None, actor=ANN, now=now),
    "message": _message,
    "read": lambda ticket, _: seen_by(ticket, "agt_2"),
    "unread": lambda ticket, _: unseen_by(ticket, "agt_2"),
}


@given(st.lists(st.tuples(st.sampled_from(sorted(ACTS)), st.integers(0, 180)), max_size=40))
def test_a_ticket_stays_consistent(make_ticket: Callable[..., Ticket], acts: list[tuple[str, int]]):
    """Whatever is done to a ticket: its states fit, its events are gapless, and the last one shows it (L1, L5)."""
    ticket, now = make_ticket(), NOON
    for name, minutes in acts:
        now += timedelta(minutes=minutes)
        before, ticket = ticket, ACTS[name](ticket, now)

        assert ticket.version >= before.version
        assert ticket.assignment_epoch >= before.assignment_epoch
        assert (ticket.version == before.version) == (ticket.event_seq == before.event_seq)
    events = [event for entry in ticket.outbox if isinstance(event := entry.event(), TicketEvent)]

    assert (ticket.snoozed_until is not None) == bool(ticket.due) == (ticket.status == "snoozed")
    assert (ticket.closed_at is not None) == (ticket.status == "closed")
    assert [event.seq for event in events] == list(range(1, ticket.event_seq + 1))
    assert len(events) <= OUTBOX_LIMIT
    assert not events or events[-1].ticket == facts(ticket)


@given(st.lists(st.sampled_from(sorted(ACTS)), max_size=10), st.sampled_from(["close", "wake", "read", "unread"]))
def test_doing_it_twice_is_doing_it_once(make_ticket: Callable[..., Ticket], acts: list[str], name: str):
    """Closing, waking and marking change nothing when repeated, so that a retry is harmless."""
    ticket = make_ticket()
    for act in acts:
        ticket = ACTS[act](ticket, NOON)
    once = ACTS[name](ticket, NOON)

    assert ACTS[name](once, NOON) is once
