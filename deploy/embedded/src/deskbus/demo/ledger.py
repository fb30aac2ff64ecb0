"""What became of messages: their verdicts, tickets, assignees and the reasons, read from the API."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from deskbus.demo.api import Api

_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Outcome:
    """One sent message as the system tells it."""

    provider_message_id: str
    channel: str
    verdict: str
    rule: str
    ticket_id: str | None
    ticket_number: int | None
    assignee: str | None
    why: str
    seconds: float


async def verdicts_of(api: Api, provider_ids: Collection[str], *, seconds: float) -> dict[str, dict[str, Any]]:
    """The ledger entries of the messages named, as many as came within `seconds`."""
    found: dict[str, dict[str, Any]] = {}
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        await _collect(api, set(provider_ids), found)
        if len(found) == len(set(provider_ids)) or asyncio.get_running_loop().time() > deadline:
            return found
        await asyncio.sleep(_POLL_SECONDS)


async def _collect(api: Api, wanted: set[str], found: dict[str, dict[str, Any]]) -> None:
    page = await api.get("/v1/intake", limit=200)
    while True:
        fresh = [
            entry
            for entry in page["items"]
            if entry["provider_message_id"] in wanted and entry["provider_message_id"] not in found
        ]
        found.update({entry["provider_message_id"]: entry for entry in fresh})
        if not page["next_cursor"] or not fresh or len(found) == len(wanted):
            return
        page = await api.get("/v1/intake", limit=200, cursor=page["next_cursor"])


async def outcome_of(api: Api, entry: dict[str, Any], *, seconds: float = 5.0) -> Outcome:
    """One ledger entry with its ticket's assignee and the router's reason, waiting a little for a decision.

    `seconds` of the outcome: from the moment the gateway took the message until its ticket was assigned.
    """
    ticket: dict[str, Any] = {}
    decision: dict[str, Any] = {}
    ended_at = entry["received_at"]
    deadline = asyncio.get_running_loop().time() + seconds
    while entry["ticket_id"] and asyncio.get_running_loop().time() < deadline:
        ticket = await api.get(f"/v1/tickets/{entry['ticket_id']}")
        decisions = (await api.get(f"/v1/tickets/{entry['ticket_id']}/decisions"))["items"]
        if ticket["assignee"] and decisions:
            decision = decisions[-1]
            break
        await asyncio.sleep(_POLL_SECONDS)
    if ticket:
        events = (await api.get(f"/v1/tickets/{ticket['id']}/events"))["items"]
        assigned = [event["at"] for event in events if event["type"] == "support.ticket.assigned.v1"]
        ended_at = max([*assigned[:1], events[0]["at"]], key=_moment)
    return Outcome(
        provider_message_id=entry["provider_message_id"],
        channel=entry["channel"],
        verdict=entry["verdict"],
        rule=entry["rule"],
        ticket_id=entry["ticket_id"],
        ticket_number=ticket.get("number"),
        assignee=(ticket.get("assignee") or {}).get("name"),
        why=_reason(decision),
        seconds=max(0.0, (_moment(ended_at) - _moment(entry["received_at"])).total_seconds()),
    )


def _reason(decision: dict[str, Any]) -> str:
    if not decision:
        return "nobody was asked to answer it"
    excluded = [candidate for candidate in decision["candidates"] if not candidate["eligible"]]
    reasons = ", ".join(sorted({candidate["reason"] for candidate in excluded}))
    eligible = len(decision["candidates"]) - len(excluded)
    return f"{decision['rule']}: {eligible} eligible" + (f", others {reasons}" if reasons else "")


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
