"""The floor writes what the pipeline wrote, in the same way: what was replaced is replaced."""

from datetime import UTC, datetime

import pytest
from benchmarks.counting import CountingBus, CountingStore
from benchmarks.floor import Floor
from benchmarks.recording import Batch, Call, Recording, Script
from benchmarks.share import Share
from benchmarks.tally import Tally

from contracts.routing import RoutingRequested
from contracts.topics import ROUTING_REQUESTS
from router.queue.queued_ticket import QUEUED_TICKETS, QueuedTicket
from service_kit.bus import Handler, Subscription
from service_kit.docstore import Fate
from service_kit.testing.platforms import PlatformFactory

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
WAITING = QueuedTicket(
    id="acc/t1",
    account_id="acc",
    ticket_id="t1",
    seq=1,
    epoch=1,
    channel="email",
    contact_id="con",
    is_waiting=True,
    queued_at=NOON,
)
REQUEST = RoutingRequested(id="rtr", account_id="acc", time=NOON, reason="somebody came")


def _replacing(rev: int) -> Script:
    """A run that took one request and decided about the ticket, stored at that revision."""
    decided = WAITING.model_copy(update={"rev": rev, "is_waiting": False})
    call = Call(kind="replace", collection=QUEUED_TICKETS.name, bodies=[decided.model_dump_json()])
    return Script(batches=[Batch(topic=ROUTING_REQUESTS.name, records=1, calls=[call])])


async def _ignored(_: object) -> None:
    """Stands where a service's handler was."""


@pytest.mark.parametrize("has_past", [True, False], ids=["on-a-backlog", "on-empty-engines"])
async def test_what_was_there_is_replaced_and_on_empty_engines_inserted(
    make_platform: PlatformFactory,
    has_past: bool,  # noqa: FBT001 - a table's column
) -> None:
    """Either way the document is as the recorded run left it; a floor that could not write says so."""
    platform = make_platform("router")
    recording, tally = Recording(is_on=False), Tally()
    store, bus = CountingStore(platform.store, tally, recording), CountingBus(platform.bus, tally, recording)
    tickets = store.collection(QUEUED_TICKETS)
    await platform.store.start()
    assert not has_past or list(await tickets.insert_many([WAITING])) == [Fate.DONE]

    def replaying(script: Script) -> Handler:
        floor = Floor(has_past=has_past)
        floor.prepare(script, store.declared, bus)
        return floor.handler(Subscription(ROUTING_REQUESTS, "router", _ignored))

    await replaying(_replacing(rev=1))([REQUEST])
    left = await tickets.get("acc/t1")
    if has_past:
        with pytest.raises(RuntimeError, match="refused"):
            await replaying(_replacing(rev=7))([REQUEST])
    await platform.store.stop()

    assert left is not None
    assert (left.is_waiting, left.rev) == (False, 2 if has_past else 1)


async def test_replicas_write_all_of_it_together_and_nothing_twice(make_platform: PlatformFactory) -> None:
    """Two that were each given a part of the records write every document once, also where the parts are uneven."""
    platform = make_platform("router")
    recording, tally = Recording(is_on=False), Tally()
    store, bus = CountingStore(platform.store, tally, recording), CountingBus(platform.bus, tally, recording)
    tickets = store.collection(QUEUED_TICKETS)
    await platform.store.start()
    waiting = [WAITING.model_copy(update={"id": f"acc/t{number}"}) for number in range(20)]
    call = Call(kind="insert", collection=QUEUED_TICKETS.name, bodies=[one.model_dump_json() for one in waiting])
    script = Script(batches=[Batch(topic=ROUTING_REQUESTS.name, records=20, calls=[call])])
    for number, records in enumerate((11, 9)):
        floor = Floor(share=Share(number=number, of=2))
        floor.prepare(script, store.declared, bus)
        await floor.handler(Subscription(ROUTING_REQUESTS, "router", _ignored))([REQUEST] * records)
    left = await tickets.get_many([one.id for one in waiting])
    await platform.store.stop()

    assert {one.rev for one in left.values()} == {1}
    assert len(left) == 20
