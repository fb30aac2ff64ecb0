"""How many open tickets each agent has (A7): counted once, whatever is delivered twice and wherever a crash falls."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.directories import AgentEntry
from contracts.people import Channel
from contracts.routing import RoutingRequested
from contracts.settings import Capacity
from contracts.tickets import Status, TicketFacts
from router.assigning.assigner import Assigner, Pending
from router.assigning.observation import observe
from router.assigning.workload import Workload
from router.availability.agent_limits import AgentLimits, has_room
from router.queue.queued_ticket import QueuedTicket

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
TICKETS = ("t0", "t1", "t2")


def _event(ticket_id: str, seq: int, status: Status, assignee_id: str | None) -> RoutingRequested:
    facts = TicketFacts(
        id=ticket_id,
        number=1,
        channel="sms" if ticket_id == "t0" else "email",
        status=status,
        assignee_id=assignee_id,
        contact_id="con",
        assignment_epoch=seq,
        version=seq,
        created_at=NOON,
        cycle_opened_at=NOON,
    )
    return RoutingRequested(
        id=f"rtr_{ticket_id}_{seq}", account_id="acc", time=NOON, reason="test", ticket=facts, ticket_seq=seq
    )


_changes = st.lists(
    st.tuples(
        st.sampled_from(TICKETS), st.sampled_from(["open", "snoozed", "closed"]), st.sampled_from(["ann", "bob", None])
    ),
    max_size=20,
)


def _told(changes: Sequence[tuple[str, Status, str | None]]) -> list[RoutingRequested]:
    seqs: Counter[str] = Counter()
    events = []
    for ticket_id, status, assignee_id in changes:
        seqs[ticket_id] += 1
        events.append(_event(ticket_id, seqs[ticket_id], status, assignee_id))
    return events


@given(
    changes=_changes,
    sizes=st.lists(st.integers(1, 6), min_size=1, max_size=40),
    fates=st.lists(st.booleans()),
    pages=st.lists(st.booleans()),
)
def test_the_load_is_right_wherever_a_crash_falls(
    changes: list[tuple[str, Status, str | None]], sizes: list[int], fates: list[bool], pages: list[bool]
) -> None:
    """The assigner is written, the copies are not, and everything since the last commit comes again in other batches.

    Where a page of the queue follows, it strikes off what was noted of the copies just written. In the end each open
    assigned ticket counts once for its agent and channel, and nothing else counts.
    """
    events = _told(changes)
    assigner, copies = Assigner(id="acc"), dict[str, QueuedTicket]()
    begin, step = 0, 0
    while begin < len(events):
        batch = events[begin : begin + sizes[step % len(sizes)]]
        seen = observe(assigner, copies, batch)
        assigner = Assigner.model_validate_json(seen.assigner.model_dump_json())
        crashed = step < len(fates) and fates[step]
        step += 1
        if crashed:
            continue
        written = {
            one: ticket for one, ticket in seen.tickets.items() if one in {e.ticket.id for e in batch if e.ticket}
        }
        copies |= written
        if step < len(pages) and pages[step]:
            assigner = assigner.model_copy(update={"load": assigner.load.caught_up(written, but=())})
        begin += len(batch)

    expected: dict[str, dict[Channel, int]] = {}
    for ticket in {event.ticket.id: event.ticket for event in events if event.ticket}.values():
        if ticket.status == "open" and ticket.assignee_id:
            of_agent = expected.setdefault(ticket.assignee_id, {})
            of_agent[ticket.channel] = of_agent.get(ticket.channel, 0) + 1
    assert assigner.load.open == expected


def test_notes_on_tickets_end_when_their_copies_have_caught_up() -> None:
    """The assigner does not grow: what a copy says by itself needs no note."""
    assigner, copies = Assigner(id="acc"), dict[str, QueuedTicket]()
    for number in range(5):
        seen = observe(assigner, copies, [_event(f"x{number}", 1, "open", "ann")])
        assigner = seen.assigner
        copies |= seen.tickets

    assert set(assigner.load.ahead) == {"x4"}
    assert assigner.load.of("ann") == {"email": 5}


@pytest.mark.parametrize(
    ("rule", "own", "load", "fits"),
    [
        (Capacity(), None, {"email": 999}, True),
        (Capacity(per_agent=2), None, {"email": 1}, True),
        (Capacity(per_agent=2), None, {"sms": 1, "email": 1}, False),
        (Capacity(per_agent=0), None, {}, False),
        (Capacity(per_channel={"email": 1}), None, {"email": 1}, False),
        (Capacity(per_channel={"sms": 1}), None, {"sms": 1}, True),
        (Capacity(per_agent=1), Capacity(per_agent=3), {"email": 2}, True),
        (Capacity(per_channel={"email": 5}), Capacity(per_channel={"email": 1}), {"email": 1}, False),
        (Capacity(per_agent=1), Capacity(per_channel={"email": 9}), {"email": 1}, False),
    ],
    ids=["none", "below", "all-channels-count", "zero", "channel", "other-channel", "own", "own-channel", "both-hold"],
)
def test_a_ticket_fits_below_every_limit(
    rule: Capacity,
    own: Capacity | None,
    load: dict[Channel, int],
    fits: bool,  # noqa: FBT001 - a table's column
) -> None:
    """In all and by channel; a limit of the agent's own replaces the account's of the same kind (A7)."""
    room = has_room(rule, own, load, "email")

    assert room is fits


def test_what_is_in_flight_and_what_was_just_given_counts() -> None:
    """Decisions nobody answered yet take room as well; and within one sitting each pick sees those before it."""
    agents = [AgentEntry(id=name, name=name, email=f"{name}@acme.example", role="support") for name in ("ann", "bob")]
    assigner = Assigner(id="acc").with_decision(
        "dec", Pending(ticket_id="t", epoch=1, agent_id="ann", channel="sms", at=NOON)
    )
    workload = Workload(agents, Capacity(per_agent=1), {}, assigner)
    before = workload.full("email")

    workload.give("bob", "email")

    assert (before, workload.full("email"), workload.totals["bob"]) == ({"ann"}, {"ann", "bob"}, 1)


def test_an_agent_is_barred_from_channels_that_are_not_theirs() -> None:
    """None means every channel, an empty list none at all (A7)."""
    limits = {
        name: AgentLimits(id=name, account_id="acc", agent_id=name, channels=channels, changed_at=NOON)
        for name, channels in (("ann", None), ("bob", ("sms",)), ("cas", ()))
    }

    workload = Workload((), Capacity(), limits, Assigner(id="acc"))

    assert workload.barred("email") == {"bob", "cas"}
    assert workload.barred("sms") == {"cas"}
