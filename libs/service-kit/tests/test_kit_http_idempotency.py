import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import Response
from fastapi.responses import StreamingResponse

from contracts.ids import derive_id
from service_kit.audit import AUDIT_INTENTS
from service_kit.auth import Authenticated
from service_kit.docstore import Cmp
from service_kit.http import IdempotencyKey, Problem, create_api
from service_kit.http.idempotency_records import IDEMPOTENCY_KEYS, IdempotencyRecord, IdempotencyRecords, judge
from service_kit.http.routes import Routes
from service_kit.platform import Platform
from service_kit.testing.callers import api_key, http_client, sign_in
from service_kit.testing.eventually import eventually
from service_kit.testing.manual_clock import ManualClock
from service_kit.testing.platforms import PlatformFactory

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@dataclass
class Desk:
    """A small service that counts what it does, and does as it is told."""

    done: list[dict[str, Any]] = field(default_factory=list)
    ids: list[str | None] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    """What the next writes answer with; 201 when empty. 0 is an unforeseen error."""
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        """Open unless a test closes it."""
        self.gate.set()

    def router(self) -> Routes:
        """Its routes."""
        router = Routes()

        @router.post("/notes", status_code=201)
        async def write(
            note: dict[str, Any], response: Response, caller: Authenticated, key: IdempotencyKey
        ) -> dict[str, Any]:
            self.done.append(note)
            self.ids.append(derive_id("note", key) if key else None)
            await self.gate.wait()
            status = self.statuses.pop(0) if self.statuses else 201
            if status == 0:
                raise RuntimeError("unforeseen")
            if status >= 400:
                raise Problem(status, "told_so", "As told.")
            response.headers["Location"] = f"/notes/{len(self.done)}"
            return {"number": len(self.done), "secret": "whsec_shown_once"}

        @router.post("/large")
        async def large() -> StreamingResponse:
            self.done.append({})
            return StreamingResponse(chunk for chunk in [b"x" * 100_000] * 4)

        @router.get("/notes")
        async def read() -> int:
            return len(self.done)

        return router


@pytest.fixture
def desk() -> Desk:
    """What the routes do."""
    return Desk()


@pytest.fixture
def clock() -> ManualClock:
    """The platform's clock."""
    return ManualClock(NOON)


@pytest.fixture
async def platform(make_platform: PlatformFactory, clock: ManualClock) -> AsyncIterator[Platform]:
    """A platform whose store runs."""
    platform = make_platform("tickets", clock)
    platform.store.collection(IDEMPOTENCY_KEYS)
    platform.store.collection(AUDIT_INTENTS)
    await platform.store.start()
    yield platform
    await platform.store.stop()


@pytest.fixture
async def http(platform: Platform, desk: Desk) -> AsyncIterator[httpx.AsyncClient]:
    """An agent's client of the application."""
    api = create_api(platform, service="tickets", title="Tests", routers=[desk.router()])
    async with http_client(api, headers=await sign_in(platform)) as client:
        yield client


def keyed(key: str = "key-1") -> dict[str, str]:
    """The header."""
    return {"Idempotency-Key": key}


async def test_the_same_write_twice_is_done_once(http: httpx.AsyncClient, desk: Desk):
    """The second gets the first one's answer with its status and headers, and says so."""
    first = await http.post("/notes", json={"text": "hi"}, headers=keyed())
    second = await http.post("/notes", json={"text": "hi"}, headers=keyed())

    assert len(desk.done) == 1
    assert (second.status_code, second.json()) == (201, first.json())
    assert second.headers["location"] == first.headers["location"]
    assert second.headers["content-type"] == "application/json"
    assert ("idempotency-replayed" in first.headers, second.headers["idempotency-replayed"]) == (False, "true")


async def test_without_a_key_every_write_is_done(http: httpx.AsyncClient, desk: Desk):
    """Nothing is remembered of a write that does not ask for it."""
    for _ in range(2):
        await http.post("/notes", json={"text": "hi"})

    assert len(desk.done) == 2
    assert desk.ids == [None, None]


async def test_many_at_once_are_done_once(http: httpx.AsyncClient, desk: Desk):
    """Of many equal writes at the same moment one is done; the others hear that it is in progress, or its answer."""
    answers = await asyncio.gather(*(http.post("/notes", json={}, headers=keyed()) for _ in range(20)))

    assert len(desk.done) == 1
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert all(answer.json()["code"] == "idempotency_in_progress" for answer in answers if answer.status_code == 409)


async def test_one_of_many_claims_wins(platform: Platform, clock: ManualClock):
    """Replicas that claim a key at the same moment are told apart by the store: one goes on (also after 60 s)."""
    replicas = [IdempotencyRecords(platform.store) for _ in range(4)]
    winners = []
    for _ in range(2):
        outcomes = await asyncio.gather(*(replica.begin("idem_1", "print", clock.now()) for replica in replicas * 5))
        winners.append([type(outcome).__name__ for outcome in outcomes].count("Claimed"))
        clock.advance(timedelta(seconds=60))

    assert winners == [1, 1]


async def test_a_write_in_progress_is_not_begun_again(http: httpx.AsyncClient, desk: Desk):
    """While the first is being handled a second is a 409 that asks to try again."""
    desk.gate.clear()
    first = asyncio.create_task(http.post("/notes", json={}, headers=keyed()))
    await eventually(lambda: desk.done)
    second = await http.post("/notes", json={}, headers=keyed())
    desk.gate.set()

    assert (second.status_code, second.json()["code"]) == (409, "idempotency_in_progress")
    assert "retry-after" in second.headers
    assert (await first).status_code == 201


async def test_a_claim_whose_holder_died_runs_out(http: httpx.AsyncClient, desk: Desk, clock: ManualClock):
    """A minute after a crash the same write is carried out again, deriving the same ids as before."""
    desk.gate.clear()
    lost = asyncio.create_task(http.post("/notes", json={}, headers=keyed()))
    await eventually(lambda: desk.done)
    clock.advance(timedelta(seconds=60))
    again = asyncio.create_task(http.post("/notes", json={}, headers=keyed()))
    await eventually(lambda: len(desk.done) == 2)
    desk.gate.set()
    answers = [await lost, await again]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert desk.ids[0] is not None
    assert desk.ids[0] == desk.ids[1]


@pytest.mark.parametrize(
    ("path", "body", "extra"),
    [("/notes", {"text": "other"}, {}), ("/notes?force=1", {}, {}), ("/notes", {}, {"If-Match": "3"})],
    ids=["body", "query", "version"],
)
async def test_a_key_stands_for_one_request(
    http: httpx.AsyncClient, desk: Desk, path: str, body: dict[str, str], extra: dict[str, str]
):
    """The same key with another body, query or version is refused, not answered for the first."""
    await http.post("/notes", json={}, headers=keyed())
    answer = await http.post(path, json=body, headers={**keyed(), **extra})

    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert len(desk.done) == 1


@pytest.mark.parametrize("status", [0, 500, 503, 401, 403, 429])
async def test_what_may_pass_is_not_remembered(http: httpx.AsyncClient, desk: Desk, status: int):
    """After a failure of ours, or a refusal that does not concern the request itself, the next attempt runs."""
    desk.statuses.append(status)
    first = await http.post("/notes", json={}, headers=keyed())
    second = await http.post("/notes", json={}, headers=keyed())

    assert (first.status_code, second.status_code) == (status or 500, 201)


@pytest.mark.parametrize("status", [404, 409, 422])
async def test_a_refusal_is_remembered(http: httpx.AsyncClient, desk: Desk, status: int):
    """A 4xx about the request is its answer for good."""
    desk.statuses.append(status)
    answers = [await http.post("/notes", json={}, headers=keyed()) for _ in range(2)]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(status, "told_so")] * 2
    assert len(desk.done) == 1


async def test_a_key_belongs_to_its_caller_and_address(http: httpx.AsyncClient, platform: Platform, desk: Desk):
    """Other accounts, agents and addresses do not see the answer; another session of the same agent does."""
    await http.post("/notes", json={}, headers=keyed())
    strangers = [
        await sign_in(platform, account_id="acc_2"),
        await sign_in(platform, agent_id="agt_2"),
        await api_key(platform),
    ]
    others = [await http.post("/notes", json={}, headers={**keyed(), **stranger}) for stranger in strangers]
    same = await http.post("/notes", json={}, headers={**keyed(), **await sign_in(platform)})

    assert len(desk.done) == 4
    assert all("idempotency-replayed" not in answer.headers for answer in others)
    assert same.headers["idempotency-replayed"] == "true"
    assert len(set(desk.ids)) == 4


async def test_a_revoked_caller_gets_no_stored_answer(http: httpx.AsyncClient, platform: Platform):
    """Replay asks for a live credential: revocation holds here as well (S2)."""
    await http.post("/notes", json={}, headers=keyed())
    await platform.redis.flushall()
    answer = await http.post("/notes", json={}, headers=keyed())

    assert answer.status_code == 401


async def test_answers_are_sealed_at_rest(http: httpx.AsyncClient, platform: Platform):
    """A secret that is shown once does not lie readable in the store for a day (S2)."""
    await http.post("/notes", json={}, headers=keyed())
    [record] = (await platform.store.collection(IDEMPOTENCY_KEYS).find(Cmp("id", ">", ""))).items

    assert record.answer is not None
    assert "whsec_shown_once" not in record.model_dump_json()


async def test_answers_are_kept_for_a_day_and_then_purged(
    http: httpx.AsyncClient, platform: Platform, desk: Desk, clock: ManualClock
):
    """A key is forgotten after 24 hours, and what nobody asks for again leaves the store."""
    for number in range(30):
        await http.post("/notes", json={}, headers=keyed(f"old-{number}"))
    clock.advance(timedelta(hours=24))
    for number in range(30):
        await http.post("/notes", json={}, headers=keyed(f"new-{number}"))
    again = await http.post("/notes", json={}, headers=keyed("old-0"))
    left = await platform.store.collection(IDEMPOTENCY_KEYS).find(Cmp("id", ">", ""), limit=1000)

    assert "idempotency-replayed" not in again.headers
    assert {record.expires_at > clock.now() for record in left.items} == {True}
    assert len(left.items) == 31


@pytest.mark.parametrize("key", ["", "k" * 256])
async def test_keys_have_a_length(http: httpx.AsyncClient, desk: Desk, key: str):
    """A key of nothing, or of more than 255 characters, is refused before anything is done."""
    answer = await http.post("/notes", json={}, headers=keyed(key))

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_idempotency_key")
    assert desk.done == []


async def test_an_answer_too_large_to_keep_is_still_given(http: httpx.AsyncClient, desk: Desk):
    """A large answer is streamed whole and not remembered."""
    answers = [await http.post("/large", headers=keyed()) for _ in range(2)]

    assert [len(answer.content) for answer in answers] == [400_000, 400_000]
    assert len(desk.done) == 2


async def test_reads_ignore_the_key(http: httpx.AsyncClient, desk: Desk):
    """A read with a key sees the present, not the past."""
    before = await http.get("/notes", headers=keyed())
    await http.post("/notes", json={})
    after = await http.get("/notes", headers=keyed())

    assert (before.json(), after.json()) == (0, 1)


async def test_when_the_store_is_down_nothing_is_begun(http: httpx.AsyncClient, platform: Platform, desk: Desk):
    """Without a record to claim the write is refused with 503, so that a retry cannot do it twice."""
    await platform.store.stop()
    answer = await http.post("/notes", json={}, headers=keyed())
    await platform.store.start()

    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert desk.done == []


def test_a_record_of_another_request_is_not_taken_over_before_it_expires():
    """An abandoned claim is free for the same request only; once expired, for any."""
    record = IdempotencyRecord(id="x", fingerprint="a", claimed_at=NOON, expires_at=NOON + timedelta(hours=24))
    verdicts = [
        type(judge(record, fingerprint, NOON + after)).__name__
        for fingerprint, after in [
            ("a", timedelta(seconds=59)),
            ("a", timedelta(seconds=60)),
            ("b", timedelta(hours=23)),
            ("b", timedelta(hours=24)),
        ]
    ]

    assert verdicts == ["InProgress", "Free", "Reused", "Free"]
