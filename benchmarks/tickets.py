"""What reading an inbox costs as it grows: lists, counts and searches through the tickets service, beside their floor.

The floor is the same rows of the same file, read in the same run by a query written by hand, and parsed as JSON. The
service's figures include all of it: credentials, routing, the store, agents' and contacts' names, the answer's JSON.
"""

import asyncio
import json
import random
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

import tickets.app
from benchmarks.child import Assignment, platform_on
from benchmarks.engine_sets import EngineSet, Fresh
from benchmarks.progress import Tell
from benchmarks.tickets_cases import ME, Ask, Case, cases
from benchmarks.tickets_corpus import ACCOUNT, AGENTS, TEAMS, Corpus
from benchmarks.tickets_figures import Filled, Reading, Taken, reading
from benchmarks.tickets_inbox import inbox_in
from contracts.directories import TeamDirectory, TeamEntry
from contracts.ids import derive_id
from contracts.settings import AssignmentSettings, SettingsChanged, SettingsShape
from service_kit.bus import Bus
from service_kit.lifecycle import run_services
from service_kit.platform import Platform
from service_kit.testing.callers import http_client, sign_in
from service_kit.testing.eventually import eventually
from tickets.people.account_workflow import NewAccount
from tickets.people.agent_store import AgentStore
from tickets.people.agents import Agent
from tickets.people_app import create_account

_WARM_UP = 5
_FEWEST_SAMPLES = 20
_DEEP_PAGES = 20
_KNOWN_WITHIN_SECONDS = 30.0
_CASE_SECONDS = 20.0
"""A case that takes longer makes do with the fewest samples: so all of them come to an end at any size."""
_BY_HAND_SECONDS = 5.0
"""No longer, since what nobody planned reads all of a million tickets for a frequent word."""


async def measure_reading(
    engines: EngineSet, count: int, samples: int, tell: Tell, keep: Path | None = None
) -> tuple[Filled, list[Reading]]:
    """Read an inbox of `count` tickets; one that is kept in the folder `keep`, where it is made if it is not there.

    Raises:
        OtherInboxError: another one is kept there.
    """
    corpus = Corpus(count, datetime.now(UTC))
    async with engines.fresh() as fresh:
        folder = keep / str(count) if keep is not None else fresh.home / "store"
        filled = await asyncio.to_thread(inbox_in, folder, corpus, tell)
        async with _agent_on(replace(fresh, store_url=f"sqlite:///{folder}")) as agent:
            with closing(sqlite3.connect(f"file:{folder}/tickets.sqlite?mode=ro", uri=True)) as by_hand:
                return filled, await _measured(agent, by_hand, corpus, samples, tell)


@asynccontextmanager
async def _agent_on(fresh: Fresh) -> AsyncIterator[httpx.AsyncClient]:
    """An agent's session at the running service."""
    async with platform_on(_assignment(fresh)) as platform:
        service = tickets.app.create_service(platform)
        async with run_services([(service, platform)]):
            await _settle(platform)
            async with http_client(service.api, headers=await _session(platform)) as agent:
                await eventually(lambda: _answers(agent), seconds=_KNOWN_WITHIN_SECONDS)
                yield agent


async def _settle(platform: Platform) -> None:
    """The account, its agents, and what the router would have published of it."""
    wanted = NewAccount(
        name="Bench",
        owner_name="Owner",
        email="owner@bench.example",
        password="a long password for nothing",  # noqa: S106 - it guards nothing
        account_id=ACCOUNT,
    )
    await create_account(platform, wanted)
    now, agents = datetime.now(UTC), AgentStore(platform.store)
    for agent_id in AGENTS:
        email = f"{agent_id}@bench.example"
        fields = {"name": f"Agent {agent_id}", "email": email, "login": email, "role": "support"}
        unusable = {"password_hash": "none", "created_at": now, "updated_at": now}
        await agents.insert(Agent(id=agent_id, account_id=ACCOUNT, **fields, **unusable))
    await _publish(platform.bus, now)


async def _publish(bus: Bus, now: datetime) -> None:
    teams = TeamDirectory(teams={team_id: TeamEntry(id=team_id, name=f"Team {team_id}") for team_id in TEAMS})
    areas: dict[Any, Any] = {"teams": teams, "assignment": AssignmentSettings()}
    await bus.publish([_changed(area, value, now) for area, value in areas.items()])


def _changed(area: Any, value: SettingsShape, now: datetime) -> SettingsChanged:
    fields = {"id": derive_id("set", ACCOUNT, area), "account_id": ACCOUNT, "time": now, "area": area, "version": 1}
    return SettingsChanged(**fields, value=value.model_dump(mode="json"))


async def _session(platform: Platform) -> dict[str, str]:
    return await sign_in(platform, account_id=ACCOUNT, agent_id=ME, role="support")


async def _answers(agent: httpx.AsyncClient) -> bool:
    """Whether the settings have arrived that lists and counts need."""
    answers = [await agent.get(path) for path in ("/v1/tickets", "/v1/tickets/counts")]
    return all(answer.is_success for answer in answers)


async def _measured(
    agent: httpx.AsyncClient, by_hand: sqlite3.Connection, corpus: Corpus, samples: int, tell: Tell
) -> list[Reading]:
    readings = []
    for case in (*cases(corpus), await _deep(agent)):
        tell(case.name)
        taken = await _taken(agent, by_hand, case, samples)
        readings.append(reading(corpus.count, case.name, case.kind, taken))
    return readings


async def _taken(agent: httpx.AsyncClient, by_hand: sqlite3.Connection, case: Case, samples: int) -> Taken:
    rng = random.Random(7)  # noqa: S311 - the same requests each time are what is wanted
    taken, floor = Taken(), list[float]()
    for number in range(_WARM_UP + samples):
        if sum(taken.wall) > _CASE_SECONDS and len(taken.wall) >= _FEWEST_SAMPLES:
            break
        ask = case.ask(rng)
        seconds, cpu_seconds, answer = await _timed(agent, case, ask)
        if sum(floor) < _BY_HAND_SECONDS:
            floor.append(_timed_by_hand(by_hand, ask))
        if number >= _WARM_UP:
            taken.items.append(len(answer.get("items", ())))
            taken.wall.append(seconds)
            taken.cpu.append(cpu_seconds)
    taken.floor = floor[_WARM_UP:] or floor
    return taken


async def _timed(agent: httpx.AsyncClient, case: Case, ask: Ask) -> tuple[float, float, Any]:
    began, cpu_began = time.perf_counter(), time.process_time()
    answer = await agent.get(case.path, params=ask.params)
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu_began
    answer.raise_for_status()
    return seconds, cpu_seconds, answer.json()


def _timed_by_hand(connection: sqlite3.Connection, ask: Ask) -> float:
    began = time.perf_counter()
    rows = connection.execute(ask.sql, ask.bound).fetchall()
    if ask.sql.startswith("SELECT d.body"):
        found = [json.loads(body) for (body,) in rows]
        customers = list({one["contact_id"] for one in found})
        places = ", ".join("?" * len(customers))
        contacts = connection.execute(f"SELECT body FROM contacts WHERE id IN ({places})", customers)  # noqa: S608
        _ = [json.loads(body) for (body,) in contacts]
    return time.perf_counter() - began


async def _deep(agent: httpx.AsyncClient) -> Case:
    """Pages deep in the closed tickets, each by the cursor of the one before."""
    asks: list[Ask] = []
    params = {"status": "closed"}
    for _ in range(_DEEP_PAGES):
        page = (await agent.get("/v1/tickets", params=params)).raise_for_status().json()
        if page["next_cursor"] is None:
            break
        last = page["items"][-1]
        params = {"status": "closed", "cursor": page["next_cursor"]}
        asks.append(Ask(params, _AFTER, (ACCOUNT, last["id"], last["id"])))
    return Case("closed, deep pages", "list", "/v1/tickets", _in_turn(asks))


_AFTER = (
    "SELECT d.body FROM tickets d WHERE d.f_account_id = ? AND d.f_hidden = 0 AND d.f_status = 'closed'"
    " AND (d.f_updated_at, d.id) < ((SELECT f_updated_at FROM tickets WHERE id = ?), ?)"
    " ORDER BY d.f_updated_at DESC, d.id DESC LIMIT 51"
)


def _in_turn(asks: Sequence[Ask]) -> Callable[[random.Random], Ask]:
    return lambda rng: rng.choice(asks)


def _assignment(fresh: Fresh) -> Assignment:
    return Assignment(
        service="tickets",
        mode="pipeline",
        home=fresh.home,
        bus_url=fresh.bus_url,
        store_url=fresh.store_url,
        redis_url=fresh.redis_url,
        script=fresh.home / "none",
    )
