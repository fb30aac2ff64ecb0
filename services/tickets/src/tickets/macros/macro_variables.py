"""The variables of macros: which there are, and what they stand for in one ticket (N2). Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from contracts.directories import AgentEntry
from contracts.settings import AccountSettings
from tickets.contacts.contact_model import Contact
from tickets.contacts.contact_orders import Order
from tickets.custom.custom_fields import CustomValue
from tickets.macros.macro_html import unquoted_place
from tickets.macros.macro_language import MacroFlaw, MacroText, read, tried
from tickets.macros.macro_values import Value, shown
from tickets.ticket.model import Ticket

VARIABLES: Mapping[str, str] = MappingProxyType(
    {
        "contact.name": "The customer's name.",
        "contact.first_name": "Their first name: the custom field `first_name`, else the first word of the name.",
        "contact.email": "Their address.",
        "contact.phone": "Their telephone number.",
        "contact.custom.<key>": "A custom field of theirs, as an outside system reported it.",
        "ticket.number": "The ticket's number.",
        "ticket.subject": "Its subject.",
        "ticket.channel": "`email`, `sms` or `web_chat`.",
        "ticket.tags": "Its tags, separated by commas; asked for by `contains`.",
        "ticket.priority": "`low`, `normal`, `high` or `urgent`.",
        "ticket.custom.<key>": "A custom field of the ticket.",
        "agent.name": "Whoever uses the macro.",
        "agent.email": "Their address.",
        "account.name": "The company.",
        "order.number": "The number of the customer's newest order.",
        "order.total": "What it costs, less what was refunded.",
        "order.currency": "In which currency.",
        "order.status": "`placed` or `cancelled`.",
        "order.items": "What was ordered, separated by commas.",
        "order.placed_at": "Its day in the account's time zone, such as 2026-11-20; in another form by `date`.",
    }
)
"""Public contract: what a macro may say in double braces."""

TICKET_CUSTOM = ("ticket", "custom")
_CUSTOM = frozenset({("contact", "custom"), TICKET_CUSTOM})
_CUSTOM_PATH = 3


@dataclass(frozen=True, slots=True)
class MacroFacts:
    """What a macro is filled in from. `fields` are the ticket's custom fields, `order` is the contact's newest."""

    ticket: Ticket
    fields: Mapping[str, CustomValue]
    contact: Contact
    agent: AgentEntry | None
    account: AccountSettings
    order: Order | None


def checked_text(text: str) -> str:
    """The text, if it can be rendered wherever its variables have values.

    Raises:
        ValueError: a variable, filter or tag in it is unknown, or it is not written as Liquid is; the text says which.
    """
    _checked(text, is_html=False)
    return text


def checked_html(text: str) -> str:
    """The same for HTML.

    Raises:
        ValueError: as above, or something is filled in bare within a tag.
    """
    _checked(text, is_html=True)
    bare = unquoted_place(text)
    if bare is not None:
        raise MacroFlaw(f"{bare[:100]} stands in a tag without quotes around it")
    return text


def ticket_fields(text: str) -> frozenset[str]:
    """Which custom fields of the ticket a checked text says."""
    return frozenset(path[-1] for path in read(text).paths if path[:-1] == TICKET_CUSTOM)


def values(facts: MacroFacts) -> dict[str, Mapping[str, Value]]:
    """What every variable stands for; what has no value is left out."""
    ticket, contact, agent = facts.ticket, facts.contact, facts.agent
    custom = {key: said.value for key, said in contact.custom.items()}
    found: dict[str, Mapping[str, Any]] = {
        "contact": {
            "name": contact.name,
            "first_name": custom.get("first_name") or next(iter((contact.name or "").split()), None),
            "email": contact.email,
            "phone": contact.phone,
        },
        "ticket": {
            "number": ticket.number,
            "subject": ticket.subject,
            "channel": ticket.channel,
            "tags": ticket.tags,
            "priority": ticket.priority,
        },
        "agent": {"name": agent.name, "email": agent.email} if agent else {},
        "account": {"name": facts.account.name},
        "order": _order(facts.order, facts.account.zone) if facts.order else {},
    }
    filled: dict[str, dict[str, Value]] = {name: _shown(given) for name, given in found.items()}
    filled["contact"]["custom"] = _shown(custom)
    filled["ticket"]["custom"] = _shown(facts.fields)
    return dict(filled)


def _checked(text: str, *, is_html: bool) -> MacroText:
    found = read(text, is_html=is_html)
    for path in sorted(found.paths):
        is_custom = len(path) == _CUSTOM_PATH and path[:-1] in _CUSTOM
        if not is_custom and ".".join(path) not in VARIABLES:
            raise MacroFlaw(f"unknown variable {'.'.join(path)[:100]!r}; known are {', '.join(VARIABLES)}")
    tried(found)
    return found


def _order(order: Order, zone: str) -> dict[str, Any]:
    return {
        "number": order.number,
        "total": order.value,
        "currency": order.currency,
        "status": "cancelled" if order.is_cancelled else "placed",
        "items": tuple(item.name for item in order.items if item.name is not None),
        "placed_at": order.at.astimezone(ZoneInfo(zone)).date().isoformat(),
    }


def _shown(given: Mapping[str, Any]) -> dict[str, Value]:
    return {name: value for name, said in given.items() if (value := shown(said)) is not None}
