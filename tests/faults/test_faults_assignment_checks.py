"""The checks of assignment themselves: silent about a story in order, and never silent about a broken law."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.ids import derive_id
from contracts.people import Actor
from contracts.presence import AgentAvailabilityChanged
from contracts.routing import AssignmentDecided, Candidate
from contracts.schedules import Schedule
from contracts.tickets import TicketAssigned, TicketAssignmentRefused, TicketCreated, TicketEvent, TicketFacts
from faults.assignment_checks import assignment_violations, peers, spread
from faults.assignment_story import AssignmentStory, Office, in_order
from faults.turn_checks import longest_wait

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOURS = Schedule.model_validate(
    {"id": "sch", "name": "Office", "zone": "UTC", "weekly": {"fri": [["09:00", "17:00"]]}, "version": 3}
)
EVERYBODY = frozenset({"ada", "ben", "cas", "dan"})
OFFICE = Office("acc", EVERYBODY, "all", {"all": EVERYBODY, "pair": frozenset({"ada", "ben"})}, {}, {3: HOURS})


class Teller:
    """Tells a story as routers and tickets would: Ada, Ben and Cas are online since long before, Dan never was."""

    def __init__(self) -> None:
        self.story = AssignmentStory()
        self.now = NOON
        self.decided = 0
        for name in ("ada", "ben", "cas"):
            self.switch(name, at=NOON - timedelta(hours=1), online=True)

    def switch(self, name: str, *, at: datetime, online: bool) -> None:
        """An agent comes or goes."""
        number = len(self.story.switches.get(name, []))
        self.story.take(
            AgentAvailabilityChanged(
                id=f"sw_{name}_{number}", account_id="acc", time=at, agent_id=name, online=online, cause="agent"
            )
        )

    def ticket(self, ticket_id: str, **facts: Any) -> None:
        """A customer writes."""
        self.tell(ticket_id, TicketCreated, **facts)

    def tell(self, ticket_id: str, kind: type[TicketEvent], more: dict[str, Any] | None = None, **facts: Any) -> None:
        """The next event of a ticket, after these changes to it."""
        known = self.story.events.get(ticket_id, {})
        before = known[max(known)].ticket if known else _facts(ticket_id)
        seq = len(known) + 1
        event = kind(
            id=f"evt_{ticket_id}_{seq}",
            account_id="acc",
            time=self.now,
            ticket_id=ticket_id,
            seq=seq,
            actor=Actor(kind="system"),
            cause="test",
            ticket=before.model_copy(update=facts),
            **(more or {}),
        )
        self.story.take(event)

    def decide(self, ticket_id: str, agent_id: str | None, *, eligible: Sequence[str], **given: Any) -> str:
        """A router decides; its id."""
        self.now += timedelta(seconds=10)
        self.decided += agent_id is not None
        fields: dict[str, Any] = {
            "id": derive_id("dec", "acc", ticket_id, "1", str(self.decided)),
            "team_id": "all",
            "candidates": [_candidate(name, eligible) for name in sorted(EVERYBODY)],
            "schedule_version": 3,
            "rule": "round_robin",
        }
        decision = AssignmentDecided.model_validate(
            {"account_id": "acc", "time": self.now, "ticket_id": ticket_id, "assignment_epoch": 1, "agent_id": agent_id}
            | fields
            | given
        )
        self.story.take(decision)
        return decision.id

    def apply(self, ticket_id: str, decision_id: str, agent_id: str) -> None:
        """Tickets applies a decision."""
        self.tell(ticket_id, TicketAssigned, {"decision_id": decision_id}, assignee_id=agent_id, team_id="all")

    def refuse(self, ticket_id: str, decision_id: str, agent_id: str) -> None:
        """Tickets refuses a decision."""
        more = {"decision_id": decision_id, "agent_id": agent_id, "reason": "stale_epoch"}
        self.tell(ticket_id, TicketAssignmentRefused, more)

    def give(
        self, ticket_id: str, agent_id: str, eligible: Sequence[str] = ("ada", "ben", "cas"), **given: Any
    ) -> None:
        """A ticket comes, is decided about and assigned."""
        self.ticket(ticket_id)
        self.apply(ticket_id, self.decide(ticket_id, agent_id, eligible=eligible, **given), agent_id)


def _facts(ticket_id: str) -> TicketFacts:
    return TicketFacts(
        id=ticket_id,
        number=1,
        channel="sms",
        status="open",
        contact_id="con",
        assignment_epoch=1,
        version=1,
        created_at=NOON,
        cycle_opened_at=NOON,
    )


def _candidate(name: str, eligible: Sequence[str]) -> Candidate:
    reason = None if name in eligible else "offline"
    return Candidate.model_validate({"agent_id": name, "eligible": reason is None, "reason": reason})


def _in_order() -> Teller:
    """Four tickets that go round, one whose decision a person forestalls, and the turn that is made up for."""
    teller = Teller()
    for number, name in enumerate(("ada", "ben", "cas", "ada")):
        teller.give(f"t{number}", name)
    teller.ticket("t4")
    forestalled = teller.decide("t4", "ben", eligible=("ada", "ben", "cas"))
    teller.tell("t4", TicketAssigned, assignee_id="cas", assignment_epoch=2)
    teller.refuse("t4", forestalled, "ben")
    teller.give("t5", "ben")
    return teller


def test_a_story_in_order_is_not_complained_about() -> None:
    """Also told again, and with a turn that was given back."""
    teller = _in_order()
    for event in [*teller.story.decisions.values()]:
        teller.story.take(event)

    assert assignment_violations(teller.story, OFFICE) == []
    assert [one.agent_id for one in in_order("acc", teller.story.given)] == ["ada", "ben", "cas", "ada", "ben", "ben"]
    assert peers(teller.story.given) == {frozenset({"ada", "ben", "cas"})}
    assert spread(frozenset({"ada", "ben", "cas"}), teller.story.assigned) == 1
    assert longest_wait(in_order("acc", teller.story.given)) == 3


def test_a_switch_that_was_just_set_may_have_been_seen_or_not() -> None:
    """Whoever went a moment ago may still be eligible, or not any more; after a while only the latter (A3)."""
    gone, long_gone = Teller(), Teller()
    gone.switch("ada", at=NOON + timedelta(seconds=8), online=False)
    gone.give("t1", "ada")
    gone.give("t2", "ben", eligible=("ben", "cas"))
    long_gone.switch("ada", at=NOON + timedelta(seconds=4), online=False)
    long_gone.give("t1", "ada")

    assert assignment_violations(gone.story, OFFICE) == []
    assert [found for found in assignment_violations(long_gone.story, OFFICE) if "ada: None" in found]


def _decide_twice(teller: Teller) -> None:
    again = teller.decide("t0", "ben", eligible=("ada", "ben", "cas"))
    teller.refuse("t0", again, "ben")


def _assign_twice(teller: Teller) -> None:
    teller.apply("t0", teller.decide("t0", "cas", eligible=("ada", "ben", "cas")), "cas")


def _forget_the_answer(teller: Teller) -> None:
    teller.ticket("t9", assignee_id="cas")
    teller.decide("t9", "cas", eligible=("ada", "ben", "cas"))


def _answer_twice(teller: Teller) -> None:
    refused = next(iter(teller.story.refused))
    teller.refuse("t4", refused, "ben")


def _answer_to_nobody(teller: Teller) -> None:
    teller.apply("t0", "dec_unheard_of", "ada")


def _assign_to_another(teller: Teller) -> None:
    teller.ticket("t9")
    teller.apply("t9", teller.decide("t9", "cas", eligible=("ada", "ben", "cas")), "ada")


def _pass_somebody(teller: Teller) -> None:
    teller.give("t9", "ada")


def _count_a_manual_assignment(teller: Teller) -> None:
    teller.give("t9", "ada", eligible=("ada", "cas"))


def _skip_a_number(teller: Teller) -> None:
    teller.decided += 1
    teller.give("t9", "cas")


def _take_somebody_offline(teller: Teller) -> None:
    teller.give("t9", "dan", eligible=("ada", "ben", "cas", "dan"))


def _leave_somebody_out(teller: Teller) -> None:
    teller.give("t9", "ada", eligible=("ada",))


def _take_an_outsider(teller: Teller) -> None:
    teller.give("t9", "cas", team_id="pair")


def _at_night(teller: Teller) -> None:
    teller.now = NOON.replace(hour=20)
    teller.give("t9", "cas")


def _without_hours(teller: Teller) -> None:
    teller.give("t9", "cas", schedule_version=None)


def _take_the_excluded(teller: Teller) -> None:
    teller.give("t9", "dan")


def _nobody_although(teller: Teller) -> None:
    teller.ticket("t9", assignee_id="cas")
    nobody = teller.decide("t9", None, eligible=("ada", "ben", "cas"), id="dec_nobody")
    teller.tell("t9", TicketAssigned, {"decision_id": nobody}, team_id="all")


def _judge_a_stranger(teller: Teller) -> None:
    teller.give("t9", "cas", candidates=[_candidate(name, ("cas",)) for name in ("cas", "zoe")])


def _say_it_differently(teller: Teller) -> None:
    decision = next(iter(teller.story.decisions.values()))
    teller.story.take(decision.model_copy(update={"agent_id": "ben"}))


def _leave_a_gap(teller: Teller) -> None:
    del teller.story.events["t0"][1]


def _leave_waiting(teller: Teller) -> None:
    teller.ticket("t9")


@pytest.mark.parametrize(
    ("breaking", "complaint"),
    [
        (_decide_twice, "ticket t0 was decided about 2 times in epoch 1"),
        (_assign_twice, "ticket t0 was assigned 2 times in epoch 1"),
        (_forget_the_answer, "was answered 0 times"),
        (_answer_twice, "was answered 2 times"),
        (_answer_to_nobody, "which nobody made"),
        (_assign_to_another, "says cas, and it was ada"),
        (_pass_somebody, "takes ada, and it was the turn of cas"),
        (_count_a_manual_assignment, "takes ada, and it was the turn of cas"),
        (_skip_a_number, "7 decisions name an agent, and only 6 are numbered"),
        (_take_somebody_offline, "says of dan: None, and it was ['offline']"),
        (_leave_somebody_out, "says of ben: offline, and it was ['None']"),
        (_take_an_outsider, "says of cas: None, and it was ['not_in_team']"),
        (_at_night, "says of cas: None, and it was ['outside_hours']"),
        (_without_hours, "goes by version None of the schedule"),
        (_take_the_excluded, "takes dan, and eligible are ['ada', 'ben', 'cas']"),
        (_nobody_although, "takes None, and eligible are"),
        (_judge_a_stranger, "judges ['cas', 'zoe']"),
        (_say_it_differently, "was told twice, and not the same"),
        (_leave_a_gap, "the events of ticket t0 are numbered [2]"),
        (_leave_waiting, "1 tickets were left to nobody, t9"),
    ],
)
def test_a_broken_law_is_told(breaking: Callable[[Teller], None], complaint: str) -> None:
    """Each way to break a law has its sentence."""
    teller = _in_order()
    breaking(teller)
    found = assignment_violations(teller.story, OFFICE)

    assert any(complaint in sentence for sentence in found), found


def test_somebody_who_is_ahead_of_their_like_is_seen() -> None:
    """Two ahead of an agent who was eligible just as often is more than A2 allows."""
    teller = Teller()
    for number in range(2):
        teller.give(f"t{number}", "ada")

    assert spread(frozenset({"ada", "ben"}), teller.story.assigned) == 2
