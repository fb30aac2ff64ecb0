"""A view followed live: what came, changed or left, from a place that any replica and any start knows (V1, L6)."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service_kit.auth import Principal
from service_kit.problem import Problem
from service_kit.testing.event_stream import EventReader, following
from service_kit.testing.manual_clock import ManualClock
from tickets.app import create_service
from tickets.lists.narrowing import Narrowing
from tickets.live.live_changes import ViewSource, moment_of, place_of
from tickets.live.live_view import FollowedView, followed_view
from tickets.ticket.history_store import HistoryStore
from tickets.ticket.model import HISTORY, HistoryEntry, Ticket
from tickets.ticket.ticket_events import facts

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
EVERYTHING = FollowedView("all", None, Narrowing(status="any"))


async def _open_ticket(bench: Any) -> str:
    [entry] = await bench.receive(bench.inbox.mail())
    return str(entry.ticket_id)


async def _close(bench: Any, ticket_id: str) -> None:
    assert (await bench.do("POST", f"/v1/tickets/{ticket_id}/close")).is_success


async def _told(stream: EventReader, kind: str) -> dict[str, Any]:
    """What is told of the next event of a kind."""
    while True:
        told = await stream.next("ticket")
        if told.data["type"] == f"support.ticket.{kind}.v1":
            return dict(told.data)


async def test_a_view_tells_what_comes_changes_and_leaves(bench: Any) -> None:
    """A ticket in *Unassigned* comes with its first message, changes with a tag, and leaves with its assignee."""
    headers = await bench.as_agent("agt_2")
    async with following(bench.service.api, "/v1/tickets/stream?view=unassigned", headers) as stream:
        await stream.next("ready")
        ticket_id = await _open_ticket(bench)
        came = await _told(stream, "created")
        await bench.do("PUT", f"/v1/tickets/{ticket_id}/tags", {"tags": ["vip"]})
        changed = await _told(stream, "tags_changed")
        await bench.do("PUT", f"/v1/tickets/{ticket_id}/assignee", {"agent_id": "agt_1"})
        left = await _told(stream, "assigned")
        await bench.do("PUT", f"/v1/tickets/{ticket_id}/tags", {"tags": []})
        other = await _open_ticket(bench)
        next_one = await stream.next("ticket")
    ticket = await bench.get(f"/v1/tickets/{ticket_id}")

    assert [one["in_view"] for one in (came, changed, left)] == [True, True, False]
    assert {one["id"] for one in (came, changed, left)} == {ticket_id}
    assert (came["number"], left["version"] + 1) == (ticket["number"], ticket["version"])
    assert next_one.data["id"] == other


async def test_a_hidden_ticket_leaves_every_view(bench: Any) -> None:
    """Whose customer is blocked leaves whatever list shows it, also a closed one, and comes back afterwards (L9)."""
    made = await bench.do("POST", "/v1/views", {"name": "Any", "filter": {"status": "any"}})
    path = f"/v1/tickets/stream?view={made.json()['id']}"
    ticket_id = await _open_ticket(bench)
    await _close(bench, ticket_id)
    async with following(bench.service.api, path, dict(bench.http.headers)) as stream:
        await stream.next("ready")
        block = await bench.do("POST", "/v1/blocks", {"kind": "email", "value": "carl@customer.example"})
        left = await _told(stream, "visibility_changed")
        await bench.do("DELETE", f"/v1/blocks/{block.json()['id']}")
        back = await _told(stream, "visibility_changed")

    assert [(one["id"], one["in_view"]) for one in (left, back)] == [(ticket_id, False), (ticket_id, True)]


async def test_a_forgotten_ticket_leaves_every_view(bench: Any) -> None:
    """A list that is followed does not go on showing whom an erasure took away (S3, V1)."""
    made = await bench.do("POST", "/v1/views", {"name": "Any", "filter": {"status": "any"}})
    path = f"/v1/tickets/stream?view={made.json()['id']}"
    ticket_id = await _open_ticket(bench)
    await _close(bench, ticket_id)
    contact_id = (await bench.get(f"/v1/tickets/{ticket_id}"))["contact"]["id"]
    async with following(bench.service.api, path, dict(bench.http.headers)) as stream:
        await stream.next("ready")
        await bench.do("POST", f"/v1/contacts/{contact_id}/erase")
        left = await _told(stream, "visibility_changed")

    assert (left["id"], left["in_view"]) == (ticket_id, False)


async def test_a_view_goes_on_where_its_reader_was(bench: Any, make_platform: Any, running: Any) -> None:
    """What happened meanwhile is told on another replica, by the id of the last event; doubles are known by `seq`."""
    headers = await bench.as_agent("agt_2")
    async with following(bench.service.api, "/v1/tickets/stream", headers) as stream:
        await stream.next("ready")
        first = await _open_ticket(bench)
        place = (await stream.next("ticket")).id
    await _close(bench, first)
    second = await _open_ticket(bench)
    closed = (await bench.get(f"/v1/tickets/{first}/events"))["items"][-1]["seq"]
    missed = {(first, closed), (second, 1)}
    other = make_platform("tickets", clock=bench.clock)
    service = create_service(other)
    async with (
        running((service, other)),
        following(service.api, "/v1/tickets/stream", {**headers, "Last-Event-ID": place or ""}) as resumed,
    ):
        ready = await resumed.next("ready")
        again = dict[tuple[str, int], tuple[str, bool]]()
        while not missed <= again.keys():
            event = (await resumed.next("ticket")).data
            assert (event["id"], event["seq"]) not in again
            again[event["id"], event["seq"]] = (event["type"].split(".")[2], event["in_view"])

    assert ready.data["reset"] is False
    assert {again[place] for place in missed} == {("closed", False), ("created", True)}


async def test_a_saved_view_is_followed_by_its_filter(bench: Any) -> None:
    """A private view of another agent is not found; one's own tells of the tickets it may show."""
    given = {"name": "VIP", "filter": {"tag": "vip"}, "shared": False}
    made = await bench.do("POST", "/v1/views", given)
    assert made.status_code == 201, made.text
    path = f"/v1/tickets/stream?view={made.json()['id']}"
    plain, vip = await _open_ticket(bench), await _open_ticket(bench)
    stranger = await bench.http.get(path, headers=await bench.as_agent("agt_2"))
    async with following(bench.service.api, path, dict(bench.http.headers)) as stream:
        await stream.next("ready")
        await bench.do("PUT", f"/v1/tickets/{plain}/priority", {"priority": "high"})
        await bench.do("PUT", f"/v1/tickets/{vip}/tags", {"tags": ["vip"]})
        told = await stream.next("ticket")

    assert stranger.status_code == 404
    assert (told.data["id"], told.data["in_view"]) == (vip, True)


async def test_my_inbox_of_nobody_is_refused(bench: Any) -> None:
    """A key that acts for nobody has no inbox to follow."""
    nobody = Principal("acc_1", "service", None, None, frozenset({"*"}), "key_1")
    with pytest.raises(Problem) as refused:
        followed_view(nobody, "mine", Narrowing())

    assert refused.value.code == "agent_needed"


class _Log:
    """The history of an account, with events at moments of a test's choosing."""

    def __init__(self, platform: Any) -> None:
        self._entries = platform.store.collection(HISTORY)
        self._ticket: Ticket | None = None

    async def write(self, ticket: Ticket, *moments: datetime) -> None:
        """Events of a ticket as they were recorded, numbered on."""
        await self._entries.insert_many(
            [
                HistoryEntry(
                    id=f"{ticket.id}/{number:09d}",
                    account_id=ticket.account_id,
                    ticket_id=ticket.id,
                    seq=number,
                    version=number,
                    type="support.ticket.created.v1",
                    actor={"kind": "system"},
                    cause="test",
                    at=moment,
                    recorded_at=moment,
                    data={"ticket": facts(ticket).model_dump(mode="json")},
                )
                for number, moment in enumerate(moments, start=1)
            ]
        )


async def _all_told(source: ViewSource) -> list[str]:
    told: list[str] = []
    while chunks := await source.look():
        told += [chunk.decode() for chunk in chunks if b"event: ticket" in chunk]
    return told


async def test_what_was_written_late_is_not_missed(make_platform: Any, make_ticket: Callable[..., Ticket]) -> None:
    """Replicas' clocks differ: an event stamped some seconds before one that was told already is told as well, once."""
    platform = make_platform("tickets")
    source_of = HistoryStore(platform.store)
    log, clock = _Log(platform), ManualClock(NOON)
    await platform.store.start()
    source = ViewSource(source_of, "acc_1", EVERYTHING, clock, None)
    begun = await _all_told(source)
    await log.write(make_ticket(id="tic_1"), NOON + timedelta(seconds=9))
    early = await _all_told(source)
    await log.write(make_ticket(id="tic_2"), NOON + timedelta(seconds=8, milliseconds=500))
    late = await _all_told(source)
    again = await _all_told(source)
    await platform.store.stop()

    assert (begun, again) == ([], [])
    assert ["tic_1" in text for text in early] == [True]
    assert ["tic_2" in text for text in late] == [True]


async def test_who_missed_too_much_reads_anew(make_platform: Any, make_ticket: Callable[..., Ticket]) -> None:
    """After a day, or from a moment that has not come, `ready` says `reset` and goes on from now."""
    platform = make_platform("tickets")
    history, log, clock = HistoryStore(platform.store), _Log(platform), ManualClock(NOON)
    await platform.store.start()
    await log.write(make_ticket(), NOON - timedelta(days=2), NOON - timedelta(minutes=1))
    places = [NOON - timedelta(days=2), NOON + timedelta(hours=1), NOON - timedelta(minutes=2)]
    begun = [await ViewSource(history, "acc_1", EVERYTHING, clock, place).look() for place in places]
    told = [await _all_told(source) for source in [ViewSource(history, "acc_1", EVERYTHING, clock, places[2])]]
    await platform.store.stop()

    assert ['"reset":true' in chunks[0].decode() for chunks in begun] == [True, True, False]
    assert len(told[0]) == 1


def test_places_are_moments_to_the_microsecond() -> None:
    """A place leads back to the moment it was made of."""
    moment = NOON + timedelta(microseconds=123_457)

    assert moment_of(place_of(moment)) == moment


@pytest.mark.parametrize(
    ("view", "narrowing", "shown"),
    [
        ("all", {}, True),
        ("all", {"status": "closed"}, False),
        ("all", {"status": "any"}, True),
        ("mine", {}, True),
        ("unassigned", {}, False),
        ("all", {"assignee_id": "agt_2"}, False),
        ("all", {"tag": "vip"}, True),
        ("all", {"tag": "late"}, False),
        ("all", {"channel": "email", "priority": "normal", "contact_id": "con_1"}, True),
        ("all", {"channel": "sms"}, False),
        ("all", {"priority": "urgent"}, False),
        ("all", {"team_id": "tea_1"}, False),
        ("all", {"text": "only words"}, True),
    ],
)
def test_whether_a_view_may_show_a_ticket(
    make_ticket: Callable[..., Ticket], view: str, narrowing: dict[str, Any], *, shown: bool
) -> None:
    """Every filter that events tell of decides; words, which they do not, exclude nothing."""
    ticket = make_ticket(assignee_id="agt_1", tags=("vip",))

    assert FollowedView(view, "agt_1", Narrowing(**narrowing)).may_show(facts(ticket)) is shown
