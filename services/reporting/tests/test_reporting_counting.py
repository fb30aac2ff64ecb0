import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.contacts import ContactChanged
from contracts.tickets import TicketCreated, TicketEvent
from reporting import cycles, traffic
from reporting.archive import archived
from reporting.cycles import Cycle, cycle_id
from reporting.hours_history import Period
from reporting.traffic import Traffic, traffic_id

MONDAY = datetime(2026, 11, 16, 9, tzinfo=UTC)
ALWAYS_OPEN = [Period(datetime.min.replace(tzinfo=UTC), None)]


def after(**passed: float) -> datetime:
    """So much later."""
    return MONDAY + timedelta(**passed)


def count_cycles(events: list[TicketEvent], into: dict[str, Cycle] | None = None) -> dict[str, Cycle]:
    """Count events one cycle at a time, upon what was counted before."""
    counted = dict(into or {})
    for name in dict.fromkeys(map(cycle_id, events)):
        of_cycle = [event for event in events if cycle_id(event) == name]
        cycle = cycles.counted(counted.get(name), of_cycle, lambda _: ALWAYS_OPEN)
        assert cycle is not None
        counted[name] = cycle
    return counted


def count_traffic(events: list[TicketEvent], into: dict[str, Traffic] | None = None) -> dict[str, Traffic]:
    """The same for traffic."""
    counted = dict(into or {})
    exchanged = [event for event in events if traffic.is_traffic(event)]
    for name in dict.fromkeys(map(traffic_id, exchanged)):
        of_day = [event for event in exchanged if traffic_id(event) == name]
        one = traffic.counted(counted.get(name), of_day)
        assert one is not None
        counted[name] = one
    return counted


def test_the_first_public_message_of_an_agent_is_the_response(story: Any) -> None:
    """Notes, automatic texts and services do not answer a customer; a person does (R1)."""
    ticket = story().created(MONDAY).automatic(after(seconds=1)).note(after(minutes=1)).machine_reply(after(minutes=2))
    ticket.reply(after(minutes=5), "ann").reply(after(minutes=6), "bob")
    response = count_cycles(ticket.events)["tic_1/1"].response

    assert response is not None
    assert (response.agent_id, response.at) == ("ann", after(minutes=5))
    assert (response.wall_seconds, response.business_seconds) == (300, 300)


def test_each_cycle_has_a_response_of_its_own(story: Any) -> None:
    """Days closed are not waiting: a reopening starts the clock anew (R2, L5)."""
    ticket = story().created(MONDAY).reply(after(minutes=5)).closed(after(hours=1))
    ticket.reopened(after(days=3)).reply(after(days=3, minutes=2))
    first, second = (count_cycles(ticket.events)[f"tic_1/{number}"] for number in (1, 2))

    assert (first.is_reopening, second.is_reopening) == (False, True)
    assert (first.closed_at, second.closed_at) == (after(hours=1), None)
    assert first.response is not None
    assert second.response is not None
    assert (first.response.wall_seconds, second.response.wall_seconds) == (300, 120)


def test_a_cycle_keeps_the_team_agent_and_tags_of_its_end(story: Any) -> None:
    """What happens in the next cycle does not rewrite the one before."""
    ticket = story().created(MONDAY).assigned(after(minutes=1), "ann", "vip").tagged(after(minutes=2), "refund")
    ticket.closed(after(minutes=3)).reopened(after(days=1)).assigned(after(days=1, minutes=1), "bob")
    first, second = (count_cycles(ticket.events)[f"tic_1/{number}"] for number in (1, 2))

    assert (first.agent_id, first.team_id, first.tags) == ("ann", "vip", ("refund",))
    assert (second.agent_id, second.team_id, second.tags) == ("bob", None, ("refund",))


def test_a_merge_resolves_nothing(story: Any) -> None:
    """What was merged goes on in another ticket, and is resolved once: there (R1, L7)."""
    source = story().created(MONDAY).reply(after(minutes=5)).merged(after(hours=1), "tic_2")

    assert count_cycles(source.events)["tic_1/1"].closed_at is None


def test_messages_are_counted_by_quarters_of_an_hour(story: Any) -> None:
    """Both directions, on the day they were said, without notes and automatic texts."""
    late = datetime(2026, 11, 16, 23, 59, 59, tzinfo=UTC)
    ticket = story().created(MONDAY).inbound(after(minutes=14)).automatic(after(minutes=14)).note(after(minutes=14))
    ticket.reply(after(minutes=15)).inbound(late).reply(late + timedelta(seconds=1))
    counted = count_traffic(ticket.events)
    moments = [(at, count.inbound, count.outbound) for one in counted.values() for at, count in one.moments()]

    assert moments == [
        (MONDAY, 2, 0),
        (after(minutes=15), 0, 1),
        (datetime(2026, 11, 16, 23, 45, tzinfo=UTC), 1, 0),
        (datetime(2026, 11, 17, tzinfo=UTC), 0, 1),
    ]


def test_what_was_counted_comes_back_as_the_very_same(story: Any) -> None:
    """A replay finds nothing to write."""
    ticket = story().created(MONDAY).reply(after(minutes=5)).closed(after(minutes=6))
    counted, exchanged = count_cycles(ticket.events), count_traffic(ticket.events)

    assert count_cycles(ticket.events, counted)["tic_1/1"] is counted["tic_1/1"]
    assert all(one is exchanged[name] for name, one in count_traffic(ticket.events, exchanged).items())


ACTS = st.sampled_from(["inbound", "reply", "automatic", "note", "assigned", "tagged", "closed", "reopened"])


@given(st.lists(st.tuples(ACTS, st.integers(0, 90_000)), max_size=30), st.randoms(use_true_random=False))
def test_batches_duplicates_and_replays_change_nothing(
    story: Any, acts: list[tuple[str, int]], chance: random.Random
) -> None:
    """However the events are cut and repeated, the facts are those of one plain look at each event (R3)."""
    ticket, at = story().created(MONDAY), MONDAY
    for act, seconds in acts:
        at += timedelta(seconds=seconds)
        getattr(ticket, act)(at)
    counted: dict[str, Cycle] = {}
    exchanged: dict[str, Traffic] = {}
    for batch in _delivered(ticket.events, chance):
        counted, exchanged = count_cycles(batch, counted), count_traffic(batch, exchanged)

    assert counted == count_cycles(ticket.events)
    assert exchanged == count_traffic(ticket.events)
    assert len(counted) == 1 + sum(act == "reopened" for act, _ in acts)
    quarters = [count for one in exchanged.values() for _, count in one.moments()]
    assert sum(count.inbound for count in quarters) == 1 + sum(act in {"inbound", "reopened"} for act, _ in acts)
    assert sum(count.outbound for count in quarters) == sum(act == "reply" for act, _ in acts)


def _delivered(events: list[TicketEvent], chance: random.Random) -> list[list[TicketEvent]]:
    """At least once and in order: each batch begins anywhere before the end of the last one."""
    batches, done = [], 0
    while done < len(events):
        begin = chance.randint(0, done)
        done = chance.randint(max(begin, done), len(events) - 1) + 1
        batches.append(events[begin:done])
    return [*batches, events]


def test_the_archive_keeps_no_personal_data() -> None:
    """Contacts are kept as far as reports may need them: version, segments, blocked; and which fields came cut."""
    event = ContactChanged(
        id="1",
        account_id="acc",
        time=MONDAY,
        contact_id="con_1",
        version=3,
        name="Cleo",
        emails=("cleo@shop.example",),
        phones=("+33612345678",),
        external_ids=("c-1",),
        visitor_ids=("v-1",),
        segments=("vip",),
        custom={"birthday": "1990-01-01"},
    )
    kept = archived(event)

    facts = {
        "type",
        "id",
        "account_id",
        "time",
        "contact_id",
        "version",
        "segments",
        "blocked",
        "merged",
        "merged_into",
        "left_out",
    }
    assert set(kept.body) == facts
    assert "leo" not in kept.model_dump_json()


@pytest.mark.parametrize("account", ["acc", "other"])
def test_an_event_is_archived_under_its_account(story: Any, account: str) -> None:
    """Ids of two accounts cannot shadow each other."""
    [event, *_] = story(account_id=account).created(MONDAY).events
    kept = archived(event)

    assert (kept.id, kept.account_id, kept.ticket_id, kept.seq) == (f"{account}/tic_1-1", account, "tic_1", 1)
    assert TicketCreated.model_validate(kept.body) == event
