"""The record of decisions says enough to find every choice again by brute force (A2, A7, A9)."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from contracts.directories import AgentEntry
from contracts.people import Channel
from contracts.routing import AssignmentDecided, Exclusion
from contracts.schedules import Schedule
from contracts.settings import AssignmentSettings, Capacity
from router.assigning.account_facts import ANSWERING_ROLES
from router.assigning.appraisal import AccountFacts
from router.assigning.assigner import Assigner
from router.assigning.assignment import decide_page
from router.queue.queued_ticket import QueuedTicket
from router.teams.teams import Team, default_team

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
NIGHT = datetime(2026, 11, 20, 22, tzinfo=UTC)
AGENTS = ("ann", "bob", "cas", "dan")
BILLING = Team(
    id="billing",
    account_id="acc",
    name="Billing",
    member_ids=("bob", "cas"),
    tags=("invoice",),
    created_at=NOON,
    updated_at=NOON,
)
OFFICE = Schedule.model_validate(
    {"id": "sch", "name": "Office", "zone": "UTC", "weekly": {"fri": [["09:00", "17:00"]]}}
)


@dataclass(frozen=True)
class Arrival:
    """A ticket that comes while some agents are online."""

    channel: Channel
    is_invoice: bool
    is_night: bool
    online: frozenset[str]


arrivals = st.lists(
    st.builds(
        Arrival,
        channel=st.sampled_from(["email", "sms"]),
        is_invoice=st.booleans(),
        is_night=st.booleans(),
        online=st.frozensets(st.sampled_from(AGENTS)),
    ),
    max_size=25,
)


def _decided(story: list[Arrival], settings: AssignmentSettings) -> list[AssignmentDecided]:
    """What the router decides about tickets that come one by one, stay open, and whose decisions are in flight."""
    assigner, decisions = Assigner(id="acc"), list[AssignmentDecided]()
    for number, arrival in enumerate(story):
        facts = AccountFacts(
            settings=settings,
            schedule=OFFICE,
            teams=(default_team("acc", NOON), BILLING),
            agents=[
                AgentEntry(id=name, name=name, email=f"{name}@acme.example", role="support", active=name != "dan")
                for name in AGENTS
            ],
            online=arrival.online,
            answering_roles=ANSWERING_ROLES,
            segments={},
        )
        ticket = QueuedTicket(
            id=f"acc/t{number}",
            account_id="acc",
            ticket_id=f"t{number}",
            seq=1,
            epoch=1,
            channel=arrival.channel,
            contact_id="con",
            tags=("invoice",) if arrival.is_invoice else (),
            is_free=True,
            is_waiting=True,
            queued_at=NOON + timedelta(seconds=number),
        )
        outcome = decide_page(assigner, [ticket], facts, NIGHT if arrival.is_night else NOON, more_follow=False)
        assigner = outcome.assigner
        decisions += outcome.decisions
    return decisions


def _expected(
    name: str, arrival: Arrival, given_before: list[tuple[str, Channel]], capacity: Capacity
) -> Exclusion | None:
    """Why an agent is not eligible, by counting through everything that was given before."""
    theirs = [channel for agent_id, channel in given_before if agent_id == name]
    limit = capacity.per_channel.get(arrival.channel)
    reasons: list[tuple[bool, Exclusion]] = [
        (name == "dan", "no_permission"),
        (arrival.is_invoice and name not in BILLING.member_ids, "not_in_team"),
        (arrival.is_night, "outside_hours"),
        (name not in arrival.online, "offline"),
        (capacity.per_agent is not None and len(theirs) >= capacity.per_agent, "at_capacity"),
        (limit is not None and theirs.count(arrival.channel) >= limit, "at_capacity"),
    ]
    return next((reason for holds, reason in reasons if holds), None)


@given(
    story=arrivals,
    strategy=st.sampled_from(["round_robin", "least_loaded"]),
    per_agent=st.none() | st.integers(0, 5),
    per_email=st.none() | st.integers(0, 3),
)
def test_every_decision_is_what_a_replay_by_brute_force_finds(
    story: list[Arrival], strategy: str, per_agent: int | None, per_email: int | None
) -> None:
    """Candidates, reasons and choice equal a replay that knows nothing of turns, loads or caches."""
    capacity = Capacity(per_agent=per_agent, per_channel={} if per_email is None else {"email": per_email})
    settings = AssignmentSettings.model_validate({"strategy": strategy, "capacity": capacity.model_dump()})
    decisions = _decided(story, settings)

    assert len(decisions) == len(story)
    given_before: list[tuple[str, Channel]] = []
    for arrival, decision in zip(story, decisions, strict=True):
        reasons = {name: _expected(name, arrival, given_before, capacity) for name in AGENTS}
        names = [agent_id for agent_id, _ in given_before]
        last = {name: max((at for at, one in enumerate(names) if one == name), default=-1) for name in AGENTS}
        fewest = {name: names.count(name) if strategy == "least_loaded" else 0 for name in AGENTS}
        eligible = [name for name in AGENTS if reasons[name] is None]
        chosen = min(eligible, key=lambda name: (fewest[name], last[name], name), default=None)
        given_before += [(chosen, arrival.channel)] if chosen else []
        assert {one.agent_id: one.reason for one in decision.candidates} == reasons
        assert (decision.agent_id, decision.team_id == "billing") == (chosen, arrival.is_invoice)
        assert decision.rule == (strategy if chosen else "nobody_eligible")
