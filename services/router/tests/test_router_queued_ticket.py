"""What events tell the router about a ticket, and what answers do to decisions in flight."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.routing import RoutingRequested
from contracts.tickets import TicketFacts
from router.assigning.assigner import Assigner, Pending
from router.assigning.observation import observe
from router.queue.queued_ticket import QueuedTicket, observed

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
CREATED = "support.ticket.created.v1"
ASSIGNED = "support.ticket.assigned.v1"
UNASSIGNED = "support.ticket.unassigned.v1"
REFUSED = "support.ticket.assignment_refused.v1"


def _request(
    seq: int, reason: str = CREATED, *, decision_id: str | None = None, minutes: int = 0, **facts: Any
) -> RoutingRequested:
    ticket = {
        "id": "tic",
        "number": 1,
        "channel": "email",
        "status": "open",
        "contact_id": "con",
        "assignment_epoch": 1,
        "version": seq,
        "created_at": NOW,
        "cycle_opened_at": NOW,
        **facts,
    }
    return RoutingRequested(
        id=f"rtr_{seq}",
        account_id="acc",
        time=NOW + timedelta(minutes=minutes),
        reason=reason,
        ticket=TicketFacts.model_validate(ticket),
        ticket_seq=seq,
        decision_id=decision_id,
    )


def _observed(*requests: RoutingRequested) -> QueuedTicket:
    ticket = observe(Assigner(id="acc"), {}, requests).tickets["tic"]
    assert isinstance(ticket, QueuedTicket)
    return ticket


@pytest.mark.parametrize(
    ("facts", "waits"),
    [
        ({}, True),
        ({"status": "snoozed"}, False),
        ({"status": "closed"}, False),
        ({"assignee_id": "ann"}, False),
        ({"held": True}, False),
        ({"hidden": True}, False),
    ],
    ids=["open", "snoozed", "closed", "assigned", "held", "hidden"],
)
def test_only_open_tickets_that_nobody_has_or_holds_wait(facts: dict[str, Any], waits: bool) -> None:  # noqa: FBT001 - a table's column
    """Only open, unassigned tickets that no person held back are candidates for assignment (A6)."""
    ticket = _observed(_request(1, **facts))

    assert ticket.is_waiting is waits


def test_an_event_seen_before_changes_nothing() -> None:
    """A redelivered older event never undoes a newer one."""
    newest = _observed(_request(1), _request(2, status="closed"))

    again = observed(newest, _request(1), _request(1).ticket)  # type: ignore[arg-type]  # the request has a ticket

    assert again == newest


@given(st.lists(st.integers(1, 6), min_size=1, max_size=20))
def test_any_redelivery_ends_as_the_newest_event_says(delivered: list[int]) -> None:
    """Events 1 to 6, closed at the even ones: only the highest one delivered counts."""
    history = {seq: _request(seq, status="open" if seq % 2 else "closed") for seq in range(1, 7)}

    ticket = _observed(*(history[seq] for seq in delivered))

    assert ticket.seq == max(delivered)
    assert ticket.is_waiting is (max(delivered) % 2 == 1)


def test_a_ticket_keeps_its_place_while_it_waits() -> None:
    """New tags do not send a ticket to the end of the queue; being snoozed in between does (A5)."""
    tagged = _observed(_request(1), _request(2, minutes=5, tags=("vip",)))
    woken = _observed(_request(1), _request(2, status="snoozed", minutes=5), _request(3, minutes=9))

    assert tagged.queued_at == NOW
    assert woken.queued_at == NOW + timedelta(minutes=9)


def test_a_team_picked_by_hand_is_remembered_until_somebody_has_the_ticket() -> None:
    """A person sent it to a team without naming an agent; a decision of ours with a team is no such choice."""
    by_hand = _observed(_request(1), _request(2, ASSIGNED, team_id="billing"), _request(3, team_id="billing"))
    by_router = _observed(_request(1), _request(2, ASSIGNED, decision_id="dec", team_id="billing"))
    had = _request(2, ASSIGNED, assignee_id="ann", team_id="sales")
    moved = _observed(_request(1), had, _request(3, UNASSIGNED, team_id="billing"))
    released = _observed(_request(1), had, _request(3, UNASSIGNED, team_id="sales"))
    taken = _observed(_request(1), _request(2, ASSIGNED, team_id="billing"), _request(3, ASSIGNED, assignee_id="ann"))

    assert by_hand.picked_team_id == moved.picked_team_id == "billing"
    assert released.picked_team_id is None
    assert by_router.picked_team_id is None
    assert taken.picked_team_id is None


def _deciding(*, epoch: int = 1) -> Assigner:
    return Assigner(id="acc").with_decision(
        "dec", Pending(ticket_id="tic", epoch=epoch, agent_id="ann", channel="email", at=NOW)
    )


def test_an_applied_decision_settles_its_turn() -> None:
    """The turn counts from then on; hearing it again changes nothing."""
    applied = _request(2, ASSIGNED, decision_id="dec", assignee_id="ann")

    once = observe(_deciding(), {}, [_request(1), applied]).assigner
    twice = observe(once, {}, [applied]).assigner

    assert once.pending == {}
    assert once.rotation.of("ann").settled == 1
    assert twice == once


def test_a_manual_assignment_leaves_the_rotation_alone() -> None:
    """Assigning by hand works and does not disturb the rotation (A4)."""
    before = Assigner(id="acc")

    after = observe(before, {}, [_request(1), _request(2, ASSIGNED, assignee_id="ann")]).assigner

    assert (after.rotation, after.pending, after.has_more) == (before.rotation, before.pending, before.has_more)


def test_a_refused_decision_gives_the_turn_back_and_the_ticket_can_wait_again() -> None:
    """Somebody changed the ticket in between: no agent is to blame (A2)."""
    refused = _request(2, REFUSED, decision_id="dec", assignment_epoch=2)

    seen = observe(_deciding(), {}, [_request(1), refused])

    assert seen.assigner.pending == {}
    assert seen.assigner.rotation.of("ann").latest == 0
    assert seen.tickets["tic"].is_waiting
    assert seen.tickets["tic"].refused_agents == ()


def test_an_agent_whom_tickets_refused_is_left_out_for_the_epoch() -> None:
    """The ticket is as free as it was, so it was the agent: asking for the same one again would never end."""
    refused = _request(2, REFUSED, decision_id="dec")

    seen = observe(_deciding(), {}, [_request(1), refused])
    later = observe(seen.assigner, seen.tickets, [_request(3, assignment_epoch=2)])

    assert seen.tickets["tic"].refused_agents == ("ann",)
    assert later.tickets["tic"].refused_agents == ()


def test_a_request_about_no_ticket_has_the_queue_looked_at() -> None:
    """Settings, hours or an agent changed: any waiting ticket may be concerned (A5)."""
    wake = RoutingRequested(id="rtr", account_id="acc", time=NOW, reason="support.settings.changed.v1")

    after = observe(Assigner(id="acc"), {}, [wake]).assigner

    assert after.has_more
