"""Kills a real tickets service within a merge of contacts or its undoing, and lets the next life finish it (V3)."""

import signal
from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from contracts.contacts import ContactChanged, ContactIdentity, ContactUpdated
from contracts.envelope import Event
from contracts.topics import CONTACTS
from service_kit.bus import Subscription
from service_kit.testing.callers import sign_in
from service_kit.testing.dying_service import Request
from service_kit.testing.eventually import eventually
from tickets.app import create_service

MERGES = [
    "tickets.contact_claimed:1",
    "tickets.contact_claimed:2",
    "tickets.contact_absorbed:1",
    "contacts.published:1",
    "contacts.published:2",
]
UNMERGES = [
    "tickets.contact_claimed:1",
    "tickets.contact_claimed:2",
    "tickets.contact_restored:1",
    "contacts.published:1",
    "contacts.published:2",
]

pytestmark = pytest.mark.faults


def _reports(now: Any) -> Sequence[Event]:
    fields = {"account_id": "acc_1", "time": now}
    mail = ContactIdentity(email="carl@customer.example")
    phone = ContactIdentity(phone="+33612345678")
    return [
        ContactUpdated(id="evt_1", contact=mail, segments=("vip",), **fields),
        ContactUpdated(id="evt_2", contact=phone, segments=("club",), **fields),
    ]


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("point", "undone"), [*((point, False) for point in MERGES), *((point, True) for point in UNMERGES)]
)
async def test_a_killed_merge_of_contacts_is_finished_by_the_next_life(
    make_platform: Any, running: Any, dies_at: Any, point: str, *, undone: bool
):
    """Wherever it is killed: both know what they should, nobody is claimed, and others have been told so (V3)."""
    told: dict[str, ContactChanged] = {}

    async def note(events: Sequence[Event]) -> None:
        told.update({event.contact_id: event for event in events if isinstance(event, ContactChanged)})

    other = make_platform("reporting")
    other.bus.subscribe(Subscription(CONTACTS, "observer", note))
    await other.bus.start()
    platform = make_platform("tickets")
    async with running((create_service(platform), platform)):
        await other.bus.publish(_reports(other.clock.now()))
        await eventually(lambda: len(told) == 2, seconds=20)
    target, source = sorted(told, key=lambda one: told[one].phones)
    path, into = f"/v1/contacts/{source}", {"into": target}
    merge = Request(path=f"{path}/merge", body=into)
    if undone:
        ended = await dies_at(point, Request(path=f"{path}/unmerge"), first=[merge])
    else:
        ended = await dies_at(point, merge)
    platform = make_platform("tickets")
    service = create_service(platform)
    transport = httpx.ASGITransport(app=service.api)
    async with running((service, platform)), httpx.AsyncClient(transport=transport, base_url="http://x") as http:
        http.headers.update(await sign_in(platform))
        wanted = (source,) if not undone else ()

        async def is_finished() -> bool:
            found = [(await http.get(f"/v1/contacts/{one}")).json() for one in (source, target)]
            return found[1]["merged"] == list(wanted) and found[0]["id"] == (source if undone else target)

        await eventually(is_finished, seconds=20)
        await eventually(lambda: told[source].merged_into == (None if undone else target), seconds=20)
        await eventually(lambda: told[target].merged == wanted, seconds=20)
        last = dict(told)
        again = await http.post(f"/v1/contacts/{source}/merge", json={"into": target})
        whole = (await http.get(f"/v1/contacts/{target}")).json()
    await other.bus.stop()

    assert ended == -signal.SIGKILL
    assert again.status_code == 200
    assert (whole["segments"], whole["phones"]) == (["vip", "club"], ["+33612345678"])
    assert last[target].segments == (("vip",) if undone else ("vip", "club"))
    assert last[source].segments == (("club",) if undone else ())
