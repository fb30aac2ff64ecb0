"""What becomes of one message of a customer: the decision that the intake ledger records (I2). Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from contracts.inbound import InboundMessageReceived
from contracts.intake import Verdict
from contracts.settings import TicketSettings
from tickets.intake.threading import Matched, Suspected, ThreadMatch, Unmatched
from tickets.life.reopen import Append, Continue, Effect, Reopen, Wake, new_thread_reopens, on_message, policy_of
from tickets.ticket.model import Ticket


@dataclass(frozen=True, slots=True)
class Ignore:
    """The message is recorded and belongs to no ticket."""

    verdict: Verdict
    rule: str


@dataclass(frozen=True, slots=True)
class Join:
    """The message joins this ticket."""

    ticket_id: str
    effect: Append | Wake | Reopen
    verdict: Verdict
    rule: str


@dataclass(frozen=True, slots=True)
class Start:
    """The message opens a ticket. `supersedes`: the one whose thread it takes over."""

    rule: str
    follow_up_of: str | None = None
    suspected_thread_of: str | None = None
    supersedes: str | None = None


Disposition = Ignore | Join | Start


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known around a message when it is judged.

    `ticket` is the matched one; `last_closed` the sender's last closed ticket of this channel, looked up only where
    the account's `settings` may reopen it.
    """

    match: ThreadMatch
    ticket: Ticket | None
    last_closed: Ticket | None
    settings: TicketSettings
    now: datetime


def judge(event: InboundMessageReceived, around: Surroundings) -> Disposition:
    """The decision, in the order: keyword, automatic, thread, contact, policy."""
    if event.sms is not None and event.sms.keyword is not None:
        return _judge_keyword(event.sms.keyword, around.ticket)
    if around.ticket is not None and isinstance(around.match, Matched):
        policy = policy_of(around.settings, around.ticket)
        effect = on_message(around.ticket, automatic=event.automatic is not None, policy=policy, now=around.now)
        return _joined(around.ticket, effect, around.match.rule)
    return _judge_stranger(event, around)


def _judge_keyword(keyword: str, ticket: Ticket | None) -> Disposition:
    """A keyword never makes, wakes or reopens a ticket (M4)."""
    if ticket is None or ticket.status == "closed":
        return Ignore("keyword", f"keyword_{keyword.lower()}")
    return Join(ticket.id, Append("keyword"), "appended", "keyword_on_open_ticket")


def _judge_stranger(event: InboundMessageReceived, around: Surroundings) -> Disposition:
    """A message that no ticket expects."""
    if event.automatic is not None and event.automatic.kind == "own":
        return Ignore("automatic", "own_mail")
    match around.match:
        case Suspected(ticket_id=ticket_id, rule=rule):
            return Start(f"not_a_participant_{rule}", suspected_thread_of=ticket_id)
        case Unmatched(rule=rule):
            if event.automatic is not None:
                return Start(f"automatic_{event.automatic.kind}")
            last = around.last_closed
            if last is not None and _reopens_last(last, around):
                return Join(last.id, Reopen("new_thread"), "reopened", "new_thread_reopens_last")
            return Start(rule)
        case Matched(rule=rule):
            return Start(rule)
        case _:
            assert_never(around.match)


def _reopens_last(last: Ticket, around: Surroundings) -> bool:
    return new_thread_reopens(last, policy=policy_of(around.settings, last), now=around.now)


def _joined(ticket: Ticket, effect: Effect, rule: str) -> Disposition:
    match effect:
        case Append(rule="automatic"):
            return Join(ticket.id, effect, "automatic", rule)
        case Append():
            return Join(ticket.id, effect, "appended", rule if effect.rule == "open_ticket" else effect.rule)
        case Wake():
            return Join(ticket.id, effect, "appended", rule)
        case Reopen():
            return Join(ticket.id, effect, "reopened", rule)
        case Continue():
            return Start(effect.rule, follow_up_of=ticket.id, supersedes=ticket.id)
        case _:
            assert_never(effect)
