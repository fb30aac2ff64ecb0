"""Merges of contacts that stop at any write, and many at once: each fact stays in one place (V3)."""

import asyncio
import contextlib
import itertools
import random
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from contracts.envelope import Event
from service_kit.auth import Principal
from service_kit.docstore import DocStore
from service_kit.outbox import Outbox
from service_kit.problem import Problem
from service_kit.testing.manual_clock import ManualClock
from tickets.contacts.contact_merge import CONTACT_MERGE
from tickets.contacts.contact_merge_workflow import ContactMerging
from tickets.contacts.contact_model import Contact
from tickets.contacts.contact_parts import parts_of
from tickets.contacts.contact_store import ContactStore
from tickets.contacts.contact_timers import contact_timers
from tickets.ticket.stored import Written

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
WRITES = 5
"""Two claims, each contact's part, and letting go of the one that is not let go with its part."""
ANN = Principal("acc_1", "agent", "agt_1", "admin", frozenset({"*"}), "")


class Bus:
    """Takes what is told."""

    def __init__(self) -> None:
        self.told: list[Event] = []

    async def publish(self, events: Sequence[Event]) -> None:
        """Remember."""
        self.told.extend(events)


class _Died(Exception):
    """The process ends here."""


class DyingStore(ContactStore):
    """A store whose process ends at one of its writes, just before or just after it."""

    def __init__(self, store: DocStore, *, at: int, after: bool) -> None:
        super().__init__(store)
        self._left = at
        self._after = after

    async def write(self, contacts: Sequence[Contact]) -> Written[Contact]:
        """Write, unless this is the one."""
        self._left -= 1
        if self._left >= 0:
            return await super().write(contacts)
        if self._after:
            await super().write(contacts)
        raise _Died


class Desk:
    """Contacts on a real store, and as many replicas as are asked for."""

    def __init__(self, store: DocStore) -> None:
        self.store = store
        self.contacts = ContactStore(store)
        self.clock = ManualClock(NOON)
        self.bus = Bus()

    def replica(self, contacts: ContactStore | None = None) -> ContactMerging:
        """One more process."""
        contacts = contacts or self.contacts
        return ContactMerging(contacts, Outbox(contacts.collection, self.bus, self.clock, name="contacts"), self.clock)

    async def add(self, *ids: str) -> None:
        """Contacts, each with an address and a segment of its own."""
        fields: dict[str, Any] = {"account_id": "acc_1", "created_at": NOON, "updated_at": NOON}
        await self.contacts.write([Contact(id=one, emails=(f"{one}@c",), segments=(one,), **fields) for one in ids])

    async def settle(self) -> None:
        """What was interrupted is finished by its timers."""
        self.clock.advance(timedelta(minutes=1))
        await contact_timers(self.contacts, self.clock, {CONTACT_MERGE: self.replica().resume}).run_due()

    async def known_in(self, *ids: str) -> dict[str, list[str]]:
        """Of each contact, in which documents its facts are; and every document is free and consistent."""
        found: dict[str, list[str]] = {one: [] for one in ids}
        for one in ids:
            stored = await self.contacts.stored(one)
            assert stored is not None
            assert (stored.merge_claim, stored.due_at) == (None, None)
            if stored.merged_into is not None:
                assert (stored.emails, stored.segments, stored.parts) == ((), (), {})
                continue
            for part_id, part in parts_of(stored).items():
                assert (part.emails, part.segments) == ((f"{part_id}@c",), (part_id,))
                found[part_id].append(one)
            assert set(stored.emails) == {f"{part_id}@c" for part_id in parts_of(stored)}
        return found


@pytest_asyncio.fixture
async def desk(make_platform: Callable[..., Any]) -> AsyncIterator[Desk]:
    """An empty store."""
    platform = make_platform("tickets")
    desk = Desk(platform.store)
    await platform.store.start()
    yield desk
    await platform.store.stop()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("kind", ["merge", "unmerge"])
async def test_a_merge_that_stops_at_any_write_is_finished(desk: Desk, kind: str, *, after: bool) -> None:
    """Whichever write is the last one of a process, the timers leave it done or not begun, and no fact lost (V3)."""
    stops, begun = 0, 0
    for at, name in itertools.product(range(WRITES + 1), ("a", "z")):
        source, target = f"{name}{at}", f"t{name}{at}"
        await desk.add(source, target)
        if kind == "unmerge":
            await desk.replica().merge(ANN, source, target)
        dying = desk.replica(DyingStore(desk.store, at=at, after=after))
        try:
            await (dying.merge(ANN, source, target) if kind == "merge" else dying.unmerge(ANN, source))
        except _Died:
            stops += 1
            claims = [one.merge_claim for i in (source, target) if (one := await desk.contacts.stored(i)) is not None]
            begun += any(claim is not None for claim in claims)
        await desk.settle()
        known = await desk.known_in(source, target)
        is_done = at > 0 or after
        home = target if (kind == "merge") == is_done else source

        assert known == {source: [home], target: [target]}

    assert (stops, begun) == (2 * WRITES, 2 * (WRITES - 1))


@pytest.mark.parametrize("seed", range(3))
async def test_many_merges_at_once_keep_every_fact_once(desk: Desk, seed: int) -> None:
    """Three replicas merge and unmerge five contacts at random: no circle, no claim, each fact in one place (L7)."""
    ids = [f"c{number}" for number in range(5)]
    await desk.add(*ids)
    chance = random.Random(seed)  # noqa: S311 - a seeded choice, for tests that repeat

    async def work(replica: ContactMerging, acts: Sequence[tuple[str, str]]) -> None:
        for source, target in acts:
            with contextlib.suppress(Problem):  # what cannot be is refused
                await (replica.merge(ANN, source, target) if target else replica.unmerge(ANN, source))

    def plan() -> list[tuple[str, str]]:
        return [(chance.choice(ids), chance.choice([*ids, "", "", ""])) for _ in range(12)]

    await asyncio.gather(*(work(desk.replica(), plan()) for _ in range(3)))
    await desk.settle()
    known = await desk.known_in(*ids)
    homes = {one: found.id for one, found in (await desk.contacts.get_many(ids)).items()}

    assert {one: [home] for one, home in homes.items()} == known
