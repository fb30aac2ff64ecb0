"""How long a waiting ticket waits once somebody can have it: in a `deskbus up` of its own, by its HTTP interface.

On Kafka all seven services share that one process too; only the broker is another.

From the moment an agent asks to be online, or the minute an office opens at, until the ticket is seen to be theirs.
The ticket is asked for every twenty milliseconds, so that much, and the request itself, is in every figure.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from benchmarks.assignment_desk import desk_on
from benchmarks.engine_sets import EngineSet, Fresh
from end_to_end.company import Company

_LOOK_AGAIN_SECONDS = 0.02
_GIVE_UP_SECONDS = 30.0
_HOLD_SECONDS = 20
"""Of a minute: an opening is not waited for that comes sooner than everything can be ready."""

Tell = Callable[[str], None]


async def measure_latency(
    engines: EngineSet, rounds: int, offices: int, minutes: int, tell: Tell
) -> tuple[list[float], list[float]]:
    """Seconds to the first assignment: after going online, and after so many offices opened on so many minutes."""
    tell("starting")
    async with engines.fresh() as fresh:
        return await asyncio.to_thread(_measure, fresh, rounds, offices, minutes, tell)


def _measure(fresh: Fresh, rounds: int, offices: int, minutes: int, tell: Tell) -> tuple[list[float], list[float]]:
    with desk_on(fresh) as found:
        tell(f"going online {rounds} times")
        online = _after_going_online(found(), rounds)
        opened: list[float] = []
        companies = [found() for _ in range(offices)]
        for number in range(minutes):
            tell(f"{offices} offices open, minute {number + 1} of {minutes}")
            opened += _after_opening(companies)
        return online, opened


def _after_going_online(company: Company, rounds: int) -> list[float]:
    agent = company.agent()
    waits = []
    for _ in range(rounds):
        ticket_id = company.settled(company.opened_by_mail())["id"]
        began = time.monotonic()
        agent.go(online=True)
        waits.append(_assigned_at(company, ticket_id) - began)
        agent.go(online=False)
    return waits


def _after_opening(companies: list[Company]) -> list[float]:
    """Each office has a ticket that waits for the next full minute but one."""
    now = datetime.now(UTC)
    opening = now.replace(second=0, microsecond=0) + timedelta(minutes=1 if now.second < _HOLD_SECONDS else 2)
    waiting = [(company, _closed_until(company, opening)) for company in companies]
    if datetime.now(UTC) > opening - timedelta(seconds=1):
        raise RuntimeError("too many offices to be ready within a minute")
    began = time.monotonic() + (opening - datetime.now(UTC)).total_seconds()
    with ThreadPoolExecutor(len(companies)) as threads:
        # Each waits by its own connection until shortly before; a look costs the system what a real agent's does.
        time.sleep(max(0.0, began - time.monotonic() - _LOOK_AGAIN_SECONDS))
        assigned = [threads.submit(_assigned_at, company, ticket_id) for company, ticket_id in waiting]
        return [one.result() - began for one in assigned]


def _closed_until(company: Company, opening: datetime) -> str:
    """A ticket that waits, with somebody online, in an office that opens then."""
    closes = opening + timedelta(hours=2)
    hours = [[opening.strftime("%H:%M"), closes.strftime("%H:%M")]]
    day = opening.strftime("%a").lower()
    office = {"name": "Office", "zone": "UTC", "weekly": {day: hours}}
    schedule = company.owner.post("/v1/schedules", office)
    company.owner.patch("/v1/settings/assignment", {"schedule_id": schedule["id"]})
    company.agent(online=True)
    ticket_id: str = company.settled(company.opened_by_mail())["id"]
    return ticket_id


def _assigned_at(company: Company, ticket_id: str) -> float:
    """When the ticket was seen to have an assignee."""
    deadline = time.monotonic() + _GIVE_UP_SECONDS
    while not company.ticket(ticket_id)["assignee"]:
        if time.monotonic() > deadline:
            raise RuntimeError("a waiting ticket was not assigned")
        time.sleep(_LOOK_AGAIN_SECONDS)
    return time.monotonic()
