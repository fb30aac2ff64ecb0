"""Agents named in a note (N3). Pure: what the text says, and whom of the account it means."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from contracts.directories import AgentEntry
from contracts.tickets import TicketAgentMentioned
from tickets.ticket.model import Message, Ticket
from tickets.ticket.ticket_events import say

MOST_MENTIONED = 20
"""Agents in one note: each has an event of its own in the ticket's outbox."""

_NAMED = re.compile(r'(?<![\w@])@(?:"([^"\n]{1,200})"|([\w.%+\'-]{1,64}@[\w.-]{1,255}))')
_TRAILING = ".-'"
"""What ends a sentence and no address."""


@dataclass(frozen=True, slots=True)
class Named:
    """Addresses and names after an `@`, as they are compared."""

    emails: frozenset[str]
    names: frozenset[str]

    def __bool__(self) -> bool:
        return bool(self.emails or self.names)


def named_in(text: str) -> Named:
    """Whom a text names, by `@ann@acme.example` or `@"Ann Lee"`."""
    found = _NAMED.findall(text)
    return Named(
        emails=frozenset(email.rstrip(_TRAILING).casefold() for _, email in found if email),
        names=frozenset(_folded(name) for name, _ in found if name),
    )


def meant(named: Named, agents: Iterable[AgentEntry]) -> Sequence[str]:
    """The agents who bear such an address or name; all of them where several share one."""
    return [
        agent.id for agent in agents if _folded(agent.name) in named.names or agent.email.casefold() in named.emails
    ]


def mentioned(given: Iterable[str], by_text: Iterable[str], author_id: str | None) -> tuple[str, ...]:
    """Whom to tell, once each; nobody is told of what they wrote themselves."""
    return tuple(one for one in dict.fromkeys((*given, *by_text)) if one != author_id)


def unknown(given: Iterable[str], agents: Collection[str]) -> Sequence[str]:
    """Those given that nobody is, or that work here no more."""
    return [one for one in dict.fromkeys(given) if one not in agents]


def telling(ticket: Ticket, note: Message, now: datetime) -> Ticket:
    """The ticket with an event for each agent whom its note mentions."""
    for agent_id in note.mentions:
        ticket = say(
            ticket,
            TicketAgentMentioned,
            actor=note.author,
            cause=note.author.kind,
            now=now,
            message_id=note.id,
            agent_id=agent_id,
        )
    return ticket


def _folded(name: str) -> str:
    return " ".join(name.split()).casefold()
