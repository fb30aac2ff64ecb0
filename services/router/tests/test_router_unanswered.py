"""What is assigned automatically and not answered goes back to the queue (A7)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.schedules import Schedule
from contracts.settings import AssignmentSettings
from contracts.tickets import TicketAssigned, TicketClosed, TicketMessageAdded, TicketTagsChanged
from router.queue.queued_ticket import QUEUED_TICKETS, QueuedTicket
from router.queue.unanswered import answer_due, follow_up
from service_kit.testing.eventually import eventually

FRIDAY_NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
OFFICE = Schedule.model_validate(
    {
        "id": "sch",
        "name": "Office",
        "zone": "UTC",
        "weekly": {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")},
    }
)


def _assigned(**fields: Any) -> QueuedTicket:
    known = {
        "id": "acc/t",
        "account_id": "acc",
        "ticket_id": "t",
        "seq": 7,
        "epoch": 2,
        "channel": "email",
        "contact_id": "con",
        "queued_at": FRIDAY_NOON,
        "counts_for": "ann",
        "awaits_answer_since": FRIDAY_NOON,
    }
    return QueuedTicket.model_validate(known | fields)


@pytest.mark.parametrize(
    ("ticket", "minutes", "schedule", "due"),
    [
        (_assigned(), 30, None, FRIDAY_NOON + timedelta(minutes=30)),
        (_assigned(), 30, OFFICE, FRIDAY_NOON + timedelta(minutes=30)),
        (_assigned(), 360, OFFICE, datetime(2026, 11, 23, 10, tzinfo=UTC)),
        (_assigned(), None, None, None),
        (_assigned(awaits_answer_since=None), 30, None, None),
        (_assigned(), 30, OFFICE.model_copy(update={"weekly": {}}), None),
    ],
    ids=["always-open", "open", "over-the-weekend", "switched-off", "answered-or-by-hand", "never-open"],
)
def test_an_answer_is_due_after_so_much_office_time(
    ticket: QueuedTicket, minutes: int | None, schedule: Schedule | None, due: datetime | None
) -> None:
    """Only open time counts, so that nobody loses a ticket overnight (A4, A7)."""
    found = answer_due(ticket, AssignmentSettings(return_after_minutes=minutes), schedule)

    assert found == due


def test_what_is_overdue_is_taken_back_once_for_what_is_known_of_it() -> None:
    """The same knowledge makes the same decision; it names whom the ticket is taken from, and as of what."""
    settings = AssignmentSettings(return_after_minutes=30)
    late = FRIDAY_NOON + timedelta(minutes=30)

    early = follow_up([_assigned()], settings, None, late - timedelta(seconds=1))
    first, again = follow_up([_assigned()], settings, None, late), follow_up([_assigned()], settings, None, late)

    (decision,) = first.decisions
    assert (early.decisions, [due.at for due in early.tickets[0].due]) == ((), [late])
    assert first == again
    assert (decision.agent_id, decision.returned_from, decision.as_of_seq) == (None, "ann", 7)
    assert (first.tickets[0].due, first.tickets[0].returned_from) == ((), "ann")


async def _account(world: Any, *names: str, minutes: int = 30) -> None:
    await world.account("acc", *names)
    await world.made("PATCH", "/v1/settings/assignment", "acc", json={"return_after_minutes": minutes})
    await world.stay_online("acc", *names)


async def _given(world: Any, ticket_id: str, name: str) -> None:
    """A new ticket goes to somebody, and the router knows that it did and when the answer is due."""
    await world.create(ticket_id)
    await eventually(lambda: (ticket_id, name) in world.chosen())
    await eventually(lambda: _is_due(world, ticket_id))


async def _is_due(world: Any, ticket_id: str) -> bool:
    stored = await world.router.store.collection(QUEUED_TICKETS).get(f"acc/{ticket_id}")
    return bool(stored and stored.due)


async def _not_due(world: Any, ticket_id: str) -> None:
    async def is_settled() -> bool:
        return not await _is_due(world, ticket_id)

    await eventually(is_settled)


async def _reply(world: Any, ticket_id: str, *, kind: str = "outbound", automatic: bool = False) -> None:
    more = {"message_id": f"m{world.tickets[ticket_id].seq}", "message_seq": 1, "kind": kind, "automatic": automatic}
    await world.tell(world.tickets[ticket_id].event(TicketMessageAdded, world.clock.now(), more=more))


async def test_a_ticket_that_nobody_answers_goes_to_somebody_else(world: Any) -> None:
    """After the time it is taken back, with a reason, and the next one has it (A7, A9)."""
    await _account(world, "ann", "bob")
    await _given(world, "t1", "ann")

    world.clock.advance(timedelta(minutes=30))
    await eventually(lambda: world.chosen() == [("t1", "ann"), ("t1", "bob")])

    explained = [(one["rule"], one["chosen"]) for one in await world.explained("t1")]
    assert sorted(explained, key=str) == [
        ("not_answered", None),
        ("round_robin", "acc-ann"),
        ("round_robin", "acc-bob"),
    ]


async def test_an_answered_ticket_stays(world: Any) -> None:
    """A public reply of an agent ends the wait; a note, an automatic text or the customer's message does not (A7)."""
    await _account(world, "ann", "bob")
    await _given(world, "t1", "ann")
    await _given(world, "t2", "bob")
    for kind, automatic in (("note", False), ("system", True), ("inbound", False)):
        await _reply(world, "t1", kind=kind, automatic=automatic)
    await _reply(world, "t2")
    await _not_due(world, "t2")

    world.clock.advance(timedelta(minutes=31))
    await eventually(lambda: world.chosen()[2:] == [("t1", "bob")])

    assert [one["rule"] for one in await world.explained("t2")] == ["round_robin"]


async def test_what_happened_meanwhile_is_looked_at_before_anything_is_taken(world: Any) -> None:
    """A reply that crosses the decision wins: tickets refuses, and it is not asked again (A6)."""
    await _account(world, "ann", "bob")
    await _given(world, "t1", "ann")
    world.applies = False
    world.clock.advance(timedelta(minutes=31))
    await eventually(lambda: len(world.decisions) == 2)

    await _reply(world, "t1")
    await world.answer(world.decisions[-1])
    world.applies = True
    await _given(world, "t2", "bob")

    assert [decision.rule for decision in world.decisions] == ["round_robin", "not_answered", "round_robin"]
    assert world.tickets["t1"].facts.assignee_id == "acc-ann"


async def test_what_a_person_assigned_or_closed_is_not_taken_back(world: Any) -> None:
    """Manual always wins (A6)."""
    await _account(world, "ann")
    await _given(world, "t1", "ann")
    await _given(world, "t2", "ann")
    await world.change("t1", TicketAssigned, assignee_id="acc-owner", assignment_epoch=2)
    await world.change("t2", TicketClosed, status="closed", assignment_epoch=2)
    await _not_due(world, "t1")
    await _not_due(world, "t2")

    world.clock.advance(timedelta(minutes=31))
    await _given(world, "t3", "ann")

    assert {decision.rule for decision in world.decisions} == {"round_robin"}


async def test_the_only_one_there_is_gets_it_again(world: Any) -> None:
    """With nobody else to ask the ticket goes back to the same agent, ahead of those who came later (A5)."""
    await _account(world, "ann")
    await world.made("PATCH", "/v1/settings/assignment", "acc", json={"capacity": {"per_agent": 1}})
    await _given(world, "t1", "ann")
    world.clock.advance(timedelta(seconds=1))
    await world.create("t2")
    await eventually(lambda: len(world.decisions) == 2)

    world.clock.advance(timedelta(minutes=30))
    await eventually(lambda: len(world.chosen()) == 2)

    assert world.chosen() == [("t1", "ann"), ("t1", "ann")]


async def test_other_changes_do_not_start_the_time_anew(world: Any) -> None:
    """Tags change, the answer is due when it was (A7)."""
    await _account(world, "ann", "bob")
    await _given(world, "t1", "ann")
    world.clock.advance(timedelta(minutes=29))
    await world.change("t1", TicketTagsChanged, tags=("vip",))
    await eventually(lambda: _has_tag(world, "t1"))

    world.clock.advance(timedelta(minutes=1))

    assert await eventually(lambda: world.chosen()[1:] == [("t1", "bob")])


async def _has_tag(world: Any, ticket_id: str) -> bool:
    stored = await world.router.store.collection(QUEUED_TICKETS).get(f"acc/{ticket_id}")
    return bool(stored and stored.tags)
