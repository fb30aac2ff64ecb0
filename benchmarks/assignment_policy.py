"""How fast the pure decision is: no store, no bus, no clock; an account with 200 agents in 50 teams, all online.

Every ticket has a tag that leads to one of the teams. Tickets come in pages as the queue is gone through; only the
decision is timed, by processor time: between two pages every decision is settled, as tickets would answer it, so that
the rotation and the load are those of a desk at work.
"""

import random
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

from contracts.directories import AgentEntry
from contracts.people import Channel
from contracts.settings import AssignmentSettings
from router.assigning.account_facts import ANSWERING_ROLES
from router.assigning.appraisal import AccountFacts
from router.assigning.assigner import Assigner
from router.assigning.assignment import DECISIONS_PER_SITTING, decide_page
from router.assigning.load import Load
from router.queue.queued_ticket import QueuedTicket
from router.teams.teams import Team, default_team

Strategy = Literal["round_robin", "least_loaded"]

AGENTS = 200
TEAMS = 50
MEMBERS = 20

_SINCE = datetime(2026, 11, 20, 12, tzinfo=UTC)
_CHANNELS: tuple[Channel, ...] = ("email", "email", "sms", "web_chat")


def decisions_per_second(strategy: Strategy, count: int, *, seed: int = 1) -> float:
    """Of one processor's time; every one of them names an agent."""
    rng = random.Random(seed)  # noqa: S311 - the same tickets each time is what is wanted
    facts = _facts(strategy, rng)
    waiting = _tickets(count, rng)
    assigner = Assigner(id="acc", load=Load(open={f"agent{number:03d}": {"email": 3} for number in range(AGENTS)}))
    decided, spent, now = 0, 0.0, _SINCE + timedelta(hours=1)
    while waiting:
        page, more_follow = waiting[:DECISIONS_PER_SITTING], len(waiting) > DECISIONS_PER_SITTING
        began = time.process_time()
        outcome = decide_page(assigner, page, facts, now, more_follow=more_follow)
        spent += time.process_time() - began
        chosen = {decision.ticket_id: decision for decision in outcome.decisions if decision.agent_id is not None}
        if not chosen:
            raise RuntimeError("nobody was eligible: this measures something else")
        decided += len(chosen)
        waiting = [ticket for ticket in waiting if ticket.ticket_id not in chosen]
        assigner = _settled(outcome.assigner)
    return decided / spent


def _settled(assigner: Assigner) -> Assigner:
    """Tickets applied everything; each ticket counts for its agent from now on."""
    counts = {agent_id: dict(of_agent) for agent_id, of_agent in assigner.load.open.items()}
    for decision_id, pending in assigner.pending.items():
        of_agent = counts.setdefault(pending.agent_id, {})
        of_agent[pending.channel] = of_agent.get(pending.channel, 0) + 1
        assigner = assigner.applied(decision_id)
    return assigner.model_copy(update={"load": Load(open=counts)})


def _facts(strategy: Strategy, rng: random.Random) -> AccountFacts:
    agents = [f"agent{number:03d}" for number in range(AGENTS)]
    return AccountFacts(
        settings=AssignmentSettings(strategy=strategy),
        schedule=None,
        teams=(default_team("acc", _SINCE), *_teams(agents, rng)),
        agents=[AgentEntry(id=one, name=one, email=f"{one}@acme.example", role="support") for one in agents],
        online=frozenset(agents),
        answering_roles=ANSWERING_ROLES,
        segments={},
    )


def _teams(agents: Sequence[str], rng: random.Random) -> Iterator[Team]:
    for number in range(TEAMS):
        yield Team(
            id=f"team{number:02d}",
            account_id="acc",
            name=f"Team {number}",
            member_ids=tuple(rng.sample(agents, MEMBERS)),
            tags=(f"tag{number:02d}",),
            rank=number,
            created_at=_SINCE,
            updated_at=_SINCE,
        )


def _tickets(count: int, rng: random.Random) -> list[QueuedTicket]:
    return [
        QueuedTicket(
            id=f"acc/t{number}",
            account_id="acc",
            ticket_id=f"t{number}",
            seq=1,
            epoch=1,
            channel=rng.choice(_CHANNELS),
            contact_id=f"con{number}",
            tags=(f"tag{rng.randrange(TEAMS):02d}",),
            is_free=True,
            is_waiting=True,
            queued_at=_SINCE + timedelta(milliseconds=number),
        )
        for number in range(count)
    ]
