"""What a customer's message does to a ticket it belongs to, as the account has set it (L2, L3, X5, M3, W2). Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Literal, assert_never

from contracts.people import Channel
from contracts.settings import ChatReopenRule, ReopenHours, ReopenPreset, ReopenRule, ReopenRules, TicketSettings
from tickets.ticket.model import Ticket

Owner = Literal["keep", "queue", "keep_if_available"]


@dataclass(frozen=True, slots=True)
class Append:
    """The message joins the ticket and changes nothing else."""

    rule: str


@dataclass(frozen=True, slots=True)
class Wake:
    """The message joins the ticket and ends its snooze."""

    rule: str


@dataclass(frozen=True, slots=True)
class Reopen:
    """The message joins the ticket and opens it again: a new cycle."""

    rule: str


@dataclass(frozen=True, slots=True)
class Continue:
    """The ticket stays closed; the message opens another one that follows it up."""

    rule: str


Effect = Append | Wake | Reopen | Continue


@dataclass(frozen=True, slots=True)
class ReopenPolicy:
    """What holds for one ticket.

    `within`: until how long after closing a message reopens; None: whatever the time elapsed. `new_thread_within`: the
    same for a mail of a new thread (X5); None: such a mail is a new ticket. `max_per_hour` is the brake on loops:
    beyond it a message is appended and the ticket stays closed.
    """

    reopens: bool = True
    within: timedelta | None = None
    new_thread_within: timedelta | None = None
    wakes: bool = True
    by_hand: bool = True
    owner: Owner = "keep_if_available"
    max_per_hour: int = 5


_NEVER = ReopenPolicy(reopens=False, by_hand=False)
_STATUS_PAGE = ReopenPolicy(within=timedelta(days=3), by_hand=False)
_ZENDESK = ReopenPolicy(within=timedelta(days=28))

PRESETS: Mapping[ReopenPreset, Mapping[Channel, ReopenPolicy]] = MappingProxyType(
    {
        "guide": {"email": ReopenPolicy(), "sms": ReopenPolicy(), "web_chat": _NEVER},
        "status_page": {
            "email": replace(_STATUS_PAGE, new_thread_within=timedelta(days=3)),
            "sms": _STATUS_PAGE,
            "web_chat": _NEVER,
        },
        "zendesk": {"email": _ZENDESK, "sms": _ZENDESK, "web_chat": _NEVER},
    }
)


def policy_for(settings: TicketSettings, channel: Channel, team_id: str | None) -> ReopenPolicy:
    """What holds for a ticket of this channel and team: the team's word before the account's, a rule before a preset.

    A preset that a team names stands in for all that the account has said.
    """
    team = settings.reopen_teams.get(team_id) if team_id is not None else None
    if team is None:
        return _ruled(PRESETS[settings.reopen_preset][channel], settings.reopen, channel)
    if team.preset is not None:
        return _ruled(PRESETS[team.preset][channel], team, channel)
    return _ruled(policy_for(settings, channel, None), team, channel)


def policy_of(settings: TicketSettings, ticket: Ticket) -> ReopenPolicy:
    """The same for a ticket as it is."""
    return policy_for(settings, ticket.channel, ticket.team_id)


def on_message(ticket: Ticket, *, automatic: bool, policy: ReopenPolicy, now: datetime) -> Effect:
    """What a message of this thread does to its ticket. Automatic mail never wakes, reopens or continues."""
    if automatic:
        return Append("automatic")
    match ticket.status:
        case "open":
            return Append("open_ticket")
        case "snoozed":
            return Wake("customer_reply") if policy.wakes else Append("stays_snoozed")
        case "closed":
            return _on_closed(ticket, policy, policy.within, now)
        case _:
            assert_never(ticket.status)


def new_thread_reopens(ticket: Ticket, *, policy: ReopenPolicy, now: datetime) -> bool:
    """Whether a mail of a new thread reopens the sender's last closed ticket (X5)."""
    if policy.new_thread_within is None:
        return False
    return isinstance(_on_closed(ticket, policy, policy.new_thread_within, now), Reopen)


def may_reopen_by_new_thread(settings: TicketSettings) -> bool:
    """Whether any ticket of the account might be, so that the last closed ones are worth reading."""
    policies = (policy_for(settings, "email", team_id) for team_id in (None, *settings.reopen_teams))
    return any(one.new_thread_within is not None for one in policies)


def owner_stays(policy: ReopenPolicy, *, is_available: bool) -> bool:
    """Whether a ticket that a customer reopened keeps its assignee; otherwise it goes back to the queue (L3)."""
    return policy.owner == "keep" or (policy.owner == "keep_if_available" and is_available)


def recent_reopens(ticket: Ticket, now: datetime) -> tuple[datetime, ...]:
    """When the ticket was reopened within the last hour."""
    return tuple(at for at in ticket.reopened_at if now - at < timedelta(hours=1))


def _on_closed(ticket: Ticket, policy: ReopenPolicy, within: timedelta | None, now: datetime) -> Effect:
    if not policy.reopens:
        return Continue("closed_for_good")
    if within is not None and ticket.closed_at is not None and now - ticket.closed_at > within:
        return Continue("reopen_window_over")
    if len(recent_reopens(ticket, now)) >= policy.max_per_hour:
        return Append("reopen_brake")
    return Reopen("reopened")


def _ruled(policy: ReopenPolicy, rules: ReopenRules, channel: Channel) -> ReopenPolicy:
    """The policy with what the rules of a channel say otherwise."""
    match channel:
        case "email":
            return _with(policy, rules.email)
        case "sms":
            return _with(policy, rules.sms)
        case "web_chat":
            return _waking(policy, rules.web_chat)
        case _:
            assert_never(channel)


def _waking(policy: ReopenPolicy, rule: ReopenRule | ChatReopenRule) -> ReopenPolicy:
    return policy if rule.on_snoozed is None else replace(policy, wakes=rule.on_snoozed == "wake")


def _with(policy: ReopenPolicy, rule: ReopenRule) -> ReopenPolicy:
    policy = _waking(policy, rule)
    if rule.action is not None:
        policy = replace(policy, reopens=rule.action == "reopen")
    if rule.within_hours is not None:
        policy = replace(policy, within=_hours(rule.within_hours))
    if rule.new_thread_within_hours is not None:
        policy = replace(policy, new_thread_within=_hours(rule.new_thread_within_hours))
    return replace(
        policy,
        by_hand=policy.by_hand if rule.by_hand is None else rule.by_hand,
        owner=rule.owner or policy.owner,
        max_per_hour=policy.max_per_hour if rule.max_per_hour is None else rule.max_per_hour,
    )


def _hours(said: ReopenHours | Literal["unlimited", "never"]) -> timedelta | None:
    return timedelta(hours=said) if isinstance(said, int) else None
