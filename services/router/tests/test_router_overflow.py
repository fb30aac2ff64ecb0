"""Teams that take over what waited too long for another one (A1, A5)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.directories import AgentEntry
from contracts.schedules import Schedule
from contracts.settings import AssignmentSettings
from contracts.tickets import TicketTagsChanged
from router.assigning.account_facts import ANSWERING_ROLES
from router.assigning.appraisal import AccountFacts
from router.assigning.assigner import Assigner
from router.assigning.assignment import decide_called, decide_page
from router.queue.queued_ticket import QUEUED_TICKETS, QueuedTicket
from router.teams.overflow import MAX_HOPS, OVERFLOW_DUE, OverflowTable, flaw_of_overflow, overflows
from router.teams.teams import Team, default_team
from service_kit.testing.eventually import eventually

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
OFFICE = Schedule.model_validate(
    {"id": "sch", "name": "Office", "zone": "UTC", "weekly": {day: [["09:00", "17:00"]] for day in ("mon", "fri")}}
)


def _team(name: str, to: str | None = None, minutes: int | None = None, **fields: Any) -> Team:
    known = {
        "id": name,
        "account_id": "acc",
        "name": name,
        "overflow_team_id": to,
        "overflow_after_minutes": minutes if to else None,
        "created_at": NOON,
        "updated_at": NOON,
    }
    return Team.model_validate(known | fields)


BILLING = _team("billing", "desk", 30, tags=("invoice",), member_ids=("ann",))
DESK = _team("desk", "floor", 60, member_ids=("bob",))
FLOOR = _team("floor", member_ids=("cas",))
TEAMS = (default_team("acc", NOON), BILLING, DESK, FLOOR)


@pytest.mark.parametrize(
    ("waited", "reached", "next_at"),
    [
        (timedelta(minutes=29), "billing", timedelta(minutes=30)),
        (timedelta(minutes=30), "billing desk", timedelta(minutes=90)),
        (timedelta(minutes=89), "billing desk", timedelta(minutes=90)),
        (timedelta(minutes=90), "billing desk floor", None),
    ],
)
def test_teams_are_added_one_after_the_other(waited: timedelta, reached: str, next_at: timedelta | None) -> None:
    """Each wait begins where the one before ended; the last team is the last (A5)."""
    reach = OverflowTable(TEAMS, None).reach(BILLING, NOON, NOON + waited)

    assert " ".join(team.id for team in reach.teams) == reached
    assert reach.next_at == (NOON + next_at if next_at else None)


def test_only_office_time_counts() -> None:
    """What waits since Friday at 16:50 has waited twenty minutes on Monday at 9:10 (A4)."""
    since = datetime(2026, 11, 20, 16, 50, tzinfo=UTC)

    reach = OverflowTable(TEAMS, OFFICE).reach(BILLING, since, datetime(2026, 11, 23, 9, 10, tzinfo=UTC))

    assert [team.id for team in reach.teams] == ["billing"]
    assert reach.next_at == datetime(2026, 11, 23, 9, 20, tzinfo=UTC)


def test_hours_that_never_come_add_nobody() -> None:
    """A schedule that is always closed never lets a wait end."""
    never = OFFICE.model_copy(update={"weekly": {}})

    reach = OverflowTable(TEAMS, never).reach(BILLING, NOON, NOON + timedelta(days=900))

    assert ([team.id for team in reach.teams], reach.next_at) == (["billing"], None)


names = st.sampled_from([f"t{number}" for number in range(9)])


@given(st.dictionaries(names, st.tuples(names, st.integers(1, 5)), max_size=9), names)
def test_whatever_the_teams_say_it_ends(links: dict[str, tuple[str, int]], start: str) -> None:
    """Circles, loops and dangling ends: no team twice, and no more than the limit (two may write at one moment)."""
    teams = {name: _team(name, *links.get(name, (None, None))) for name in [*links, start]}

    passed = [following.id for _, following in overflows(teams[start], teams)]

    assert len(passed) <= MAX_HOPS
    assert len({start, *passed}) == len(passed) + 1


@pytest.mark.parametrize(
    ("team", "flaw"),
    [
        (_team("floor"), None),
        (_team("floor", "billing", 5), "overflow_cycle"),
        (_team("floor", "floor", 5), "overflow_cycle"),
        (_team("floor", "nowhere", 5), "unknown_team"),
        (_team("floor", "desk").model_copy(update={"overflow_after_minutes": None}), "overflow_incomplete"),
        (_team("floor", overflow_after_minutes=5), "overflow_incomplete"),
        (_team("floor", "l1", 5), "overflow_too_long"),
    ],
    ids=["none", "circle", "itself", "unknown", "no-time", "no-team", "long"],
)
def test_overflows_that_make_no_sense_are_told(team: Team, flaw: str | None) -> None:
    """Also those that a team further up would run into."""
    long = [_team(f"l{number}", f"l{number + 1}", 1) for number in range(1, 4)] + [_team("l4")]

    assert flaw_of_overflow(team, [BILLING, DESK, *long]) == flaw


def _facts(online: str) -> AccountFacts:
    return AccountFacts(
        settings=AssignmentSettings(),
        schedule=None,
        teams=TEAMS,
        agents=[
            AgentEntry(id=name, name=name, email=f"{name}@acme.example", role="support")
            for name in ("ann", "bob", "cas")
        ],
        online=frozenset(online.split()),
        answering_roles=ANSWERING_ROLES,
        segments={},
    )


def _waiting(**fields: Any) -> QueuedTicket:
    known = {
        "id": "acc/t",
        "account_id": "acc",
        "ticket_id": "t",
        "seq": 1,
        "epoch": 1,
        "channel": "email",
        "contact_id": "con",
        "tags": ("invoice",),
        "is_free": True,
        "is_waiting": True,
        "queued_at": NOON,
    }
    return QueuedTicket.model_validate(known | fields)


@pytest.mark.parametrize(
    ("online", "minutes", "team", "chosen", "passed"),
    [
        ("bob cas", 10, "billing", None, ()),
        ("bob cas", 30, "desk", "bob", ("billing",)),
        ("ann bob", 30, "billing", "ann", ()),
        ("cas", 40, "desk", None, ("billing",)),
        ("cas", 95, "floor", "cas", ("billing", "desk")),
    ],
    ids=["too-early", "taken-over", "its-own-team-first", "nobody-there-either", "further"],
)
def test_its_own_team_is_asked_first_however_long_it_waited(
    online: str, minutes: int, team: str, chosen: str | None, passed: tuple[str, ...]
) -> None:
    """Another team is asked as well, not instead; the decision says for whom it waited too long (A9)."""
    now = NOON + timedelta(minutes=minutes)

    outcome = decide_called(Assigner(id="acc"), [_waiting()], _facts(online), now)

    (decision,) = outcome.decisions
    assert (decision.team_id, decision.agent_id, decision.overflowed_from) == (team, chosen, passed)
    assert decision.matched_by == "tag"


def test_the_next_look_is_noted_in_the_ticket_until_somebody_has_it() -> None:
    """The due time lives in the ticket, so that no restart forgets it, and goes when it is of no use any more."""
    first = decide_called(Assigner(id="acc"), [_waiting()], _facts(""), NOON).tickets[0]
    assigned = decide_page(Assigner(id="acc"), [first], _facts("ann"), NOON, more_follow=False).tickets[0]

    assert [(due.kind, due.at) for due in first.due] == [(OVERFLOW_DUE, NOON + timedelta(minutes=30))]
    assert assigned.due == ()


def test_another_team_starts_the_wait_anew() -> None:
    """Routed to another team after twenty minutes, it waits the whole time there (A1)."""
    elsewhere = decide_called(Assigner(id="acc"), [_waiting(tags=())], _facts(""), NOON).tickets[0]
    moved = elsewhere.model_copy(update={"tags": ("invoice",)})
    after = decide_called(Assigner(id="acc"), [moved], _facts(""), NOON + timedelta(minutes=20)).tickets[0]

    assert [due.at for due in after.due] == [NOON + timedelta(minutes=50)]


async def _teams(world: Any) -> tuple[str, str]:
    """Billing overflows to Desk after half an hour."""
    desk = await world.made("POST", "/v1/teams", "acc", json={"name": "Desk", "member_ids": ["acc-bob"]})
    billing = await world.made(
        "POST",
        "/v1/teams",
        "acc",
        json={
            "name": "Billing",
            "member_ids": ["acc-ann"],
            "tags": ["bill"],
            "overflow_team_id": desk["id"],
            "overflow_after_minutes": 30,
        },
    )
    return billing["id"], desk["id"]


async def _is_due(world: Any, ticket_id: str) -> bool:
    stored = await world.router.store.collection(QUEUED_TICKETS).get(f"acc/{ticket_id}")
    return bool(stored and stored.due)


async def test_a_ticket_that_waits_too_long_goes_to_the_other_team(world: Any) -> None:
    """Time passes and nothing else happens: a timer asks the other team, and the explanation says so (A5, A9)."""
    await world.account("acc", "ann", "bob")
    billing, desk = await _teams(world)
    await world.stay_online("acc", "bob")
    await world.create("t1", tags=("bill",))
    await eventually(lambda: _is_due(world, "t1"))

    world.clock.advance(timedelta(minutes=30))
    await eventually(lambda: world.chosen() == [("t1", "bob")])

    waiting, decided = sorted(await world.explained("t1"), key=lambda one: one["at"])
    assert (waiting["team_id"], waiting["chosen"]) == (billing, None)
    assert (decided["team_id"], decided["overflowed_from"]) == (desk, [billing])
    assert "It waited too long for Billing: Desk takes over." in decided["explanation"]


async def test_a_wait_outlives_other_changes(world: Any) -> None:
    """Tags come and go while the ticket waits for the same team: the other one is asked when it was to be."""
    await world.account("acc", "ann", "bob")
    await _teams(world)
    await world.stay_online("acc", "bob")
    await world.create("t1", tags=("bill",))
    await eventually(lambda: _is_due(world, "t1"))
    world.clock.advance(timedelta(minutes=29))
    event = await world.change("t1", TicketTagsChanged, tags=("bill", "late"))
    await eventually(lambda: _has_seen(world, "t1", event.seq))

    world.clock.advance(timedelta(minutes=1))

    assert await eventually(lambda: world.chosen() == [("t1", "bob")])


async def _has_seen(world: Any, ticket_id: str, seq: int) -> bool:
    stored = await world.router.store.collection(QUEUED_TICKETS).get(f"acc/{ticket_id}")
    return bool(stored and stored.seq >= seq and stored.due)


async def test_flawed_overflows_are_refused_and_a_team_in_use_stays(world: Any) -> None:
    """Circles, half a rule, other people's teams; a team that another one overflows to is not removed (A1)."""
    await world.account("acc", "ann", "bob")
    billing, desk = await _teams(world)
    patches = {
        "overflow_cycle": {"overflow_team_id": billing, "overflow_after_minutes": 5},
        "overflow_incomplete": {"overflow_team_id": billing},
        "unknown_team": {"overflow_team_id": "tea_of_others", "overflow_after_minutes": 5},
        "invalid_request": {"overflow_team_id": billing, "overflow_after_minutes": 0},
    }

    answers = {
        code: await world.call("PATCH", f"/v1/teams/{desk}", "acc", "owner", json=patch)
        for code, patch in patches.items()
    }
    in_use = await world.call("DELETE", f"/v1/teams/{desk}", "acc", "owner")
    await world.made("PATCH", f"/v1/teams/{billing}", "acc", json=dict.fromkeys(_OVERFLOW))
    removed = await world.call("DELETE", f"/v1/teams/{desk}", "acc", "owner")

    assert {code: (answer.status_code, answer.json()["code"]) for code, answer in answers.items()} == {
        code: (422, code) for code in patches
    }
    assert (in_use.status_code, in_use.json()["code"]) == (409, "team_in_use")
    assert removed.status_code == 204


_OVERFLOW = ("overflow_team_id", "overflow_after_minutes")
