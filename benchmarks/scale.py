"""A SIMULATION of many messages a second: queues before partitions, with costs per message that were measured. Pure.

Nothing of the services runs here. Messages of accounts of very different size arrive at random; `tickets` takes them by
customer, the `router` takes new tickets by account; each replica has one processor and its share of the partitions, and
takes what has gathered in batches. What engines cost is not simulated.
"""

import random
from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import ceil

from pydantic import BaseModel

from benchmarks.figures import percentile
from benchmarks.scale_costs import Costs

NEW_TICKETS = 0.4
"""Of the measured workload's messages, those that open a ticket; the others go to an open one."""
UTILISATION = 0.6
"""What replicas are planned for: the rest is for peaks, rebalances and a replica that is gone."""
_BATCH = 400
_CONTACTS = 1_000_000
_MICROS = 1e6


@dataclass(frozen=True, slots=True)
class Plan:
    """What is simulated: the load, who sends it, and how many partitions there are."""

    rate: float
    partitions: int
    accounts: int
    seconds: float = 5.0
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Work:
    """A record for a replica: when it comes, and the partition that its key leads to."""

    at: float
    partition: int
    account: int


class StageOutcome(BaseModel):
    """How one service did, and how long records took.

    `load` is what its busiest replica cannot avoid, with batches full, in units of the time there is; `largest_key` is
    what of that one key alone makes, which no number of replicas divides.
    """

    service: str
    wanted: int
    replicas: int
    load: float
    largest_key: float
    p50_ms: float
    p99_ms: float


class Outcome(BaseModel):
    """One plan, simulated."""

    rate: float
    partitions: int
    accounts: int
    largest_account: float
    stages: list[StageOutcome]

    @property
    def breaks_first(self) -> str:
        """What stands in the way, if anything does."""
        late = next((stage for stage in self.stages if stage.load >= 1), None)
        if late is None:
            return "nothing"
        if late.wanted > late.replicas:
            return f"{late.service}: more replicas than partitions are needed"
        if late.largest_key >= 1:
            return f"{late.service}: one account is too large"
        return f"{late.service}: a large account beside others, give it more replicas"


def simulate(plan: Plan, costs: Costs) -> Outcome:
    """Let the messages of a plan go through `tickets` and `router`."""
    rng = random.Random(plan.seed)  # noqa: S311 - the same traffic each time is what is wanted
    shares = account_shares(plan.accounts)
    arrivals = list(_arrivals(plan, shares, rng))
    tickets, done = _stage("tickets", arrivals, plan, costs.tickets_micros, costs.batch_micros, 1 / _CONTACTS)
    asked = [
        Work(at, hash((work.account,)) % plan.partitions, work.account)
        for work, at in zip(arrivals, done, strict=True)
        if rng.random() < NEW_TICKETS
    ]
    router, _ = _stage("router", asked, plan, costs.router_micros / NEW_TICKETS, costs.batch_micros, shares[0])
    return Outcome(
        rate=plan.rate,
        partitions=plan.partitions,
        accounts=plan.accounts,
        largest_account=shares[0],
        stages=[tickets, router],
    )


def account_shares(accounts: int) -> list[float]:
    """Who sends how much: the n-th largest a share proportional to 1/n (Zipf)."""
    weights = [1 / rank for rank in range(1, accounts + 1)]
    total = sum(weights)
    return [weight / total for weight in weights]


def replicas_wanted(rate: float, micros: float) -> int:
    """How many replicas have the time for so many records a second, each with some room."""
    return max(1, ceil(rate * micros / _MICROS / UTILISATION))


def _arrivals(plan: Plan, shares: Sequence[float], rng: random.Random) -> Iterator[Work]:
    """Messages at random moments; a customer of an account chosen by its share decides the partition."""
    steps, now = list(accumulate(shares)), 0.0
    while (now := now + rng.expovariate(plan.rate)) < plan.seconds:
        account = min(bisect(steps, rng.random()), plan.accounts - 1)
        yield Work(now, hash((account, rng.randrange(_CONTACTS))) % plan.partitions, account)


def _stage(
    service: str, records: Sequence[Work], plan: Plan, micros: float, batch_micros: float, largest_key: float
) -> tuple[StageOutcome, list[float]]:
    """One service: its outcome, and when each record was done. `largest_key` is the share of the largest one."""
    rate = len(records) / plan.seconds
    wanted = replicas_wanted(rate, micros)
    replicas = min(wanted, plan.partitions)
    shares: list[list[int]] = [[] for _ in range(replicas)]
    for number, record in enumerate(records):
        shares[record.partition % replicas].append(number)
    done = [0.0] * len(records)
    for mine in shares:
        _work_off(mine, records, done, micros / _MICROS, batch_micros / _MICROS)
    waits = [1000 * (end - record.at) for record, end in zip(records, done, strict=True)] or [0.0]
    least_micros = micros + batch_micros / _BATCH
    outcome = StageOutcome(
        service=service,
        wanted=wanted,
        replicas=replicas,
        load=max(map(len, shares)) * least_micros / _MICROS / plan.seconds,
        largest_key=rate * largest_key * least_micros / _MICROS,
        p50_ms=percentile(waits, 50),
        p99_ms=percentile(waits, 99),
    )
    return outcome, done


def _work_off(
    mine: Sequence[int], records: Sequence[Work], done: list[float], seconds: float, batch_seconds: float
) -> None:
    """One replica: takes what has come while it was busy, at most a batch, again and again."""
    mine = sorted(mine, key=lambda number: records[number].at)
    now, position = 0.0, 0
    while position < len(mine):
        now = max(now, records[mine[position]].at)
        end = position
        while end < len(mine) and end - position < _BATCH and records[mine[end]].at <= now:
            end += 1
        now += batch_seconds + seconds * (end - position)
        for number in mine[position:end]:
            done[number] = now
        position = end
