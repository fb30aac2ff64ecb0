"""Which waiting ticket goes to whom, and why (A1-A6, A9): the decision as a pure function."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.directories import AgentEntry
from contracts.schedules import Schedule
from contracts.settings import AssignmentSettings
from router.assigning.account_facts import ANSWERING_ROLES
from router.assigning.appraisal import AccountFacts
from router.assigning.assigner import HOURS_OPEN, IN_FLIGHT_LIMIT, Assigner, Pending
from router.assigning.assignment import DECISIONS_PER_SITTING, can_assign, decide_called, decide_page
from router.queue.queued_ticket import QueuedTicket
from router.teams.teams import Team, default_team

FRIDAY_NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
FRIDAY_NIGHT = datetime(2026, 11, 20, 22, tzinfo=UTC)
MONDAY_NINE = datetime(2026, 11, 23, 9, tzinfo=UTC)
EVERYONE = default_team("acc", FRIDAY_NOON)
BILLING = Team(
    id="billing",
    account_id="acc",
    name="Billing",
    member_ids=("bob", "cas"),
    tags=("invoice",),
    created_at=FRIDAY_NOON,
    updated_at=FRIDAY_NOON,
)
OFFICE = Schedule.model_validate(
    {
        "id": "sch",
        "name": "Office",
        "zone": "UTC",
        "weekly": {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")},
        "version": 4,
    }
)


def _facts(
    agents: str = "ann bob cas", online: str = "", *, schedule: Schedule | None = None, **settings: Any
) -> AccountFacts:
    return AccountFacts(
        settings=AssignmentSettings(**settings),
        schedule=schedule,
        teams=(EVERYONE, BILLING),
        agents=[
            AgentEntry(id=name, name=name, email=f"{name}@acme.example", role="support") for name in agents.split()
        ],
        online=frozenset(online.split()),
        answering_roles=ANSWERING_ROLES,
        segments={"gold-customer": ("gold",)},
    )


def _tickets(count: int, *, since: datetime = FRIDAY_NOON, **fields: Any) -> list[QueuedTicket]:
    return [
        QueuedTicket(
            id=f"acc/t{number}",
            account_id="acc",
            ticket_id=f"t{number}",
            seq=1,
            epoch=1,
            channel="email",
            contact_id="con",
            is_free=True,
            is_waiting=True,
            queued_at=since + timedelta(seconds=number),
            **fields,
        )
        for number in range(count)
    ]


NOBODY_DECIDED = Assigner(id="acc")


def test_new_tickets_go_around_the_online_agents() -> None:
    """Round robin over whoever is online, evenly, with a reason for everybody (A2, A9)."""
    outcome = decide_called(NOBODY_DECIDED, _tickets(4), _facts(online="ann bob"), FRIDAY_NOON)

    assert [decision.agent_id for decision in outcome.decisions] == ["ann", "bob", "ann", "bob"]
    assert {decision.rule for decision in outcome.decisions} == {"round_robin"}
    assert not any(ticket.is_waiting for ticket in outcome.tickets)
    assert [(c.agent_id, c.reason) for c in outcome.decisions[0].candidates] == [
        ("ann", None),
        ("bob", None),
        ("cas", "offline"),
    ]


def test_the_same_decision_is_made_again_until_it_is_written() -> None:
    """A decision's id derives from ticket, epoch and round: redelivery before the write makes the very same one."""
    facts = _facts(online="ann")

    first = decide_called(NOBODY_DECIDED, _tickets(2), facts, FRIDAY_NOON)
    again = decide_called(NOBODY_DECIDED, _tickets(2), facts, FRIDAY_NOON)

    assert first == again
    assert len({decision.id for decision in first.decisions}) == 2


def test_a_decision_in_flight_is_not_made_twice() -> None:
    """After the write the same requests decide nothing more, even where the ticket's copy was not written (A6)."""
    tickets, facts = _tickets(2), _facts(online="ann")
    first = decide_called(NOBODY_DECIDED, tickets, facts, FRIDAY_NOON)

    again = decide_called(first.assigner, tickets, facts, FRIDAY_NOON)

    assert again.decisions == []
    assert again.assigner == first.assigner
    assert not any(ticket.is_waiting for ticket in again.tickets)


def test_a_new_epoch_is_decided_anew() -> None:
    """A decision of an earlier epoch will be refused; the ticket need not wait for that."""
    in_flight = NOBODY_DECIDED.with_decision(
        "dec", Pending(ticket_id="t0", epoch=1, agent_id="ann", channel="email", at=FRIDAY_NOON)
    )
    (reopened,) = _tickets(1)

    outcome = decide_called(
        in_flight, [reopened.model_copy(update={"epoch": 2})], _facts(online="ann bob"), FRIDAY_NOON
    )

    assert [(d.assignment_epoch, d.agent_id) for d in outcome.decisions] == [(2, "bob")]


def test_nobody_eligible_is_told_once_and_waits() -> None:
    """The team is announced once for each epoch, with every reason; the ticket stays in the queue (A5, A9)."""
    first = decide_called(NOBODY_DECIDED, _tickets(1, tags=("invoice",)), _facts(online="ann"), FRIDAY_NOON)
    again = decide_called(first.assigner, first.tickets, _facts(online="ann"), FRIDAY_NOON)

    (told,) = first.decisions
    assert (told.agent_id, told.team_id, told.rule) == (None, "billing", "nobody_eligible")
    assert [(c.agent_id, c.reason) for c in told.candidates] == [
        ("ann", "not_in_team"),
        ("bob", "offline"),
        ("cas", "offline"),
    ]
    assert first.tickets[0].is_waiting
    assert again.decisions == []


def test_another_team_or_epoch_is_told_again() -> None:
    """A waiting ticket that is routed elsewhere shows its new team (A1)."""
    facts = _facts()
    first = decide_called(NOBODY_DECIDED, _tickets(1), facts, FRIDAY_NOON)

    tagged = first.tickets[0].model_copy(update={"tags": ("invoice",)})
    elsewhere = decide_called(first.assigner, [tagged], facts, FRIDAY_NOON)
    reopened = decide_called(first.assigner, [first.tickets[0].model_copy(update={"epoch": 2})], facts, FRIDAY_NOON)

    assert [decision.team_id for decision in elsewhere.decisions] == ["billing"]
    assert [decision.assignment_epoch for decision in reopened.decisions] == [2]


def test_segments_of_the_contact_route() -> None:
    """Segments are read when routing (A1)."""
    gold = EVERYONE.model_copy(
        update={"id": "gold", "is_default": False, "segments": ("gold",), "member_ids": ("cas",)}
    )
    facts = _facts(online="ann bob cas")
    facts = AccountFacts(
        settings=facts.settings,
        schedule=None,
        teams=(*facts.teams, gold),
        agents=facts.agents,
        online=facts.online,
        answering_roles=facts.answering_roles,
        segments=facts.segments,
    )
    (ticket,) = _tickets(1)

    outcome = decide_called(
        NOBODY_DECIDED, [ticket.model_copy(update={"contact_id": "gold-customer"})], facts, FRIDAY_NOON
    )

    assert [(d.agent_id, d.team_id) for d in outcome.decisions] == [("cas", "gold")]


def test_the_rotation_is_shared_by_all_teams() -> None:
    """Whoever was assigned for one team is not first in another (A2)."""
    tickets = [*_tickets(1, tags=("invoice",)), *_tickets(3)[1:]]

    outcome = decide_called(NOBODY_DECIDED, tickets, _facts(online="ann bob cas"), FRIDAY_NOON)

    assert [decision.agent_id for decision in outcome.decisions] == ["bob", "ann", "cas"]


def test_outside_hours_everybody_waits_for_the_opening() -> None:
    """Nothing is assigned while closed; the assigner wakes when the office opens (A4)."""
    outcome = decide_called(NOBODY_DECIDED, _tickets(1), _facts(online="ann", schedule=OFFICE), FRIDAY_NIGHT)

    (told,) = outcome.decisions
    assert {candidate.reason for candidate in told.candidates} == {"outside_hours"}
    assert told.schedule_version == 4
    assert [(due.kind, due.at) for due in outcome.assigner.due] == [(HOURS_OPEN, MONDAY_NINE)]


def test_the_backlog_is_assigned_at_the_opening_oldest_first() -> None:
    """What came over the weekend goes out on Monday, first come first served; the alarm is off then (A4)."""
    facts = _facts(online="ann bob", schedule=OFFICE)
    night = decide_called(NOBODY_DECIDED, _tickets(3, since=FRIDAY_NIGHT), facts, FRIDAY_NIGHT)

    morning = decide_page(night.assigner, night.tickets, facts, MONDAY_NINE, more_follow=False)

    assert [(d.ticket_id, d.agent_id) for d in morning.decisions] == [("t0", "ann"), ("t1", "bob"), ("t2", "ann")]
    assert morning.assigner.due == ()


def test_whoever_finds_the_office_open_first_has_the_queue_gone_through() -> None:
    """A ticket that arrives in the second of opening neither passes the backlog nor switches its alarm off (A4, A5)."""
    facts = _facts(online="ann", schedule=OFFICE)
    night = decide_called(NOBODY_DECIDED, _tickets(1, since=FRIDAY_NIGHT), facts, FRIDAY_NIGHT)
    newcomer = _tickets(2, since=MONDAY_NINE)[1:]

    morning = decide_called(night.assigner, newcomer, facts, MONDAY_NINE)

    assert morning.decisions == ()
    assert morning.assigner.has_more
    assert morning.tickets == newcomer


def test_newcomers_do_not_pass_a_queue_that_has_to_be_gone_through() -> None:
    """While older tickets may be assignable, new ones take their place behind them; when nobody is there, they wait."""
    waking = NOBODY_DECIDED.model_copy(update={"has_more": True})

    possible = decide_called(waking, _tickets(1), _facts(online="ann"), FRIDAY_NOON)
    impossible = decide_called(waking, _tickets(1), _facts(), FRIDAY_NOON)

    assert (possible.decisions, possible.assigner.has_more) == ((), True)
    assert [decision.rule for decision in impossible.decisions] == ["nobody_eligible"]
    assert not impossible.assigner.has_more


@pytest.mark.parametrize("more_follow", [False, True])
def test_the_last_page_ends_the_going_through(more_follow: bool) -> None:  # noqa: FBT001 - a table's column
    """Page by page until the last; then the queue is quiet again."""
    waking = NOBODY_DECIDED.model_copy(update={"has_more": True})

    outcome = decide_page(waking, _tickets(1), _facts(online="ann"), FRIDAY_NOON, more_follow=more_follow)

    assert len(outcome.decisions) == 1
    assert outcome.assigner.has_more is more_follow


def test_without_assign_backlog_on_open_the_backlog_is_left_to_people() -> None:
    """Only what came while open is assigned then (A4)."""
    facts = _facts(online="ann", schedule=OFFICE, assign_backlog_on_open=False)
    tickets = [*_tickets(1, since=FRIDAY_NIGHT), *_tickets(2, since=FRIDAY_NOON)[1:]]

    outcome = decide_called(NOBODY_DECIDED, tickets, facts, MONDAY_NINE)

    assert [decision.ticket_id for decision in outcome.decisions] == ["t1"]
    assert outcome.tickets[0].is_waiting


def test_with_round_robin_off_only_matched_tickets_are_assigned() -> None:
    """A matched ticket goes to a member whether online or not; the others stay unassigned (A1)."""
    tickets = [*_tickets(1, tags=("invoice",)), *_tickets(2)[1:]]

    outcome = decide_called(NOBODY_DECIDED, tickets, _facts(round_robin=False), FRIDAY_NOON)

    assert [(d.ticket_id, d.agent_id, d.rule) for d in outcome.decisions] == [("t0", "bob", "team_member")]
    assert outcome.tickets[1].is_waiting


def test_an_agent_whom_tickets_refused_is_passed_over() -> None:
    """The next one is asked instead, and the explanation says why."""
    outcome = decide_called(NOBODY_DECIDED, _tickets(1, refused_agents=("ann",)), _facts(online="ann bob"), FRIDAY_NOON)

    (decision,) = outcome.decisions
    assert decision.agent_id == "bob"
    assert decision.candidates[0].reason == "no_permission"


def _in_flight(count: int) -> Assigner:
    assigner = NOBODY_DECIDED
    for number in range(count):
        pending = Pending(ticket_id=f"x{number}", epoch=1, agent_id="ann", channel="email", at=FRIDAY_NOON)
        assigner = assigner.with_decision(f"dec{number}", pending)
    return assigner


def test_decisions_that_nobody_answers_do_not_block_the_others_for_ever() -> None:
    """Tickets that were purged meanwhile answer nothing; ten minutes later their room is free again."""
    full = _in_flight(IN_FLIGHT_LIMIT)

    soon = decide_called(full, _tickets(1), _facts(online="bob"), FRIDAY_NOON + timedelta(minutes=10))
    later = decide_called(full, _tickets(1), _facts(online="bob"), FRIDAY_NOON + timedelta(minutes=11))

    assert len(soon.decisions) == 0
    assert [decision.agent_id for decision in later.decisions] == ["bob"]
    assert len(later.assigner.pending) == 1


def test_decisions_in_flight_are_limited_and_the_rest_waits_its_turn() -> None:
    """One document must not grow without bound while tickets is away; nobody is forgotten."""
    almost_full = _in_flight(IN_FLIGHT_LIMIT - 1)

    outcome = decide_called(almost_full, _tickets(3), _facts(online="bob"), FRIDAY_NOON)

    assert [decision.ticket_id for decision in outcome.decisions] == ["t0"]
    assert outcome.assigner.has_more
    assert [ticket.is_waiting for ticket in outcome.tickets] == [False, True, True]


@pytest.mark.parametrize("agents", [1, 200])
def test_one_sitting_decides_no_more_than_fits_a_document(agents: int) -> None:
    """Every decision names every agent; with many agents a sitting decides fewer tickets."""
    names = " ".join(f"a{number}" for number in range(agents))
    expected = DECISIONS_PER_SITTING if agents == 1 else 25

    outcome = decide_called(NOBODY_DECIDED, _tickets(DECISIONS_PER_SITTING + 1), _facts(names, names), FRIDAY_NOON)

    assert len(outcome.decisions) == expected
    assert outcome.is_cut_short


@pytest.mark.parametrize(
    ("facts", "now", "possible"),
    [
        (_facts(online="ann"), FRIDAY_NOON, True),
        (_facts(), FRIDAY_NOON, False),
        (_facts(round_robin=False), FRIDAY_NOON, True),
        (_facts(online="ann", schedule=OFFICE), FRIDAY_NIGHT, False),
        (_facts(agents="", online="ann"), FRIDAY_NOON, False),
    ],
    ids=["online", "all-offline", "no-switch", "closed", "nobody-works-here"],
)
def test_whether_anybody_could_be_given_a_ticket(facts: AccountFacts, now: datetime, possible: bool) -> None:  # noqa: FBT001 - a table's column
    """The queue is gone through only when somebody could be assigned."""
    assert can_assign(NOBODY_DECIDED, facts, now) is possible


def _applied(assigner: Assigner, decision_ids: Sequence[str]) -> Assigner:
    for decision_id in decision_ids:
        assigner = assigner.applied(decision_id)
    return assigner


@given(
    steps=st.lists(
        st.tuples(st.sets(st.sampled_from(["ann", "bob", "cas"])), st.booleans(), st.booleans()), max_size=30
    )
)
def test_nobody_excluded_is_ever_chosen(steps: list[tuple[set[str], bool, bool]]) -> None:
    """Whoever comes and goes: the chosen agent is online and in the team at that moment, and it is open (A2, A4)."""
    assigner = NOBODY_DECIDED
    for number, (online, is_invoice, is_night) in enumerate(steps):
        (ticket,) = _tickets(1, tags=("invoice",) if is_invoice else ())
        facts = _facts(online=" ".join(online), schedule=OFFICE)
        page = [ticket.model_copy(update={"ticket_id": f"t{number}"})]
        now = FRIDAY_NIGHT if is_night else FRIDAY_NOON
        outcome = decide_page(assigner, page, facts, now, more_follow=False)
        assigner = _applied(outcome.assigner, [decision.id for decision in outcome.decisions])

        chosen = [decision.agent_id for decision in outcome.decisions if decision.agent_id]
        eligible = set() if is_night else online & ({"bob", "cas"} if is_invoice else {"ann", "bob", "cas"})
        assert bool(chosen) == bool(eligible)
        assert set(chosen) <= eligible


@given(batches=st.lists(st.integers(1, 9), max_size=12), restarts=st.lists(st.booleans(), min_size=12, max_size=12))
def test_tickets_are_spread_evenly_however_they_arrive(batches: list[int], restarts: list[bool]) -> None:
    """Batches of any size, with the state stored and read back in between: max - min is at most 1 (A2)."""
    assigner, facts, counts = NOBODY_DECIDED, _facts(online="ann bob cas"), Counter({"ann": 0, "bob": 0, "cas": 0})
    for number, size in enumerate(batches):
        arrivals = [t.model_copy(update={"ticket_id": f"{number}-{t.ticket_id}"}) for t in _tickets(size)]
        outcome = decide_called(assigner, arrivals, facts, FRIDAY_NOON)
        counts.update(decision.agent_id for decision in outcome.decisions if decision.agent_id)
        assigner = _applied(outcome.assigner, [decision.id for decision in outcome.decisions])
        if restarts[number]:
            assigner = Assigner.model_validate_json(assigner.model_dump_json())

    assert sum(counts.values()) == sum(batches)
    assert max(counts.values()) - min(counts.values()) <= 1


def test_a_ticket_that_waited_takes_its_turn_in_the_queue() -> None:
    """When somebody has come, a waiting ticket that something happens to does not pass those before it (A5)."""
    waiting = decide_called(NOBODY_DECIDED, _tickets(2), _facts(), FRIDAY_NOON)
    touched = decide_called(waiting.assigner, waiting.tickets[1:], _facts(online="ann"), FRIDAY_NOON)
    page = decide_page(touched.assigner, waiting.tickets, _facts(online="ann"), FRIDAY_NOON, more_follow=False)

    assert (list(touched.decisions), touched.assigner.has_more) == ([], True)
    assert [decision.ticket_id for decision in page.decisions] == [one.ticket_id for one in waiting.tickets]
