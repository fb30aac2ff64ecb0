"""Texts that Deskbus writes to customers by itself: office hours in chats (W3), answers to SMS (M6). Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from contracts.schedules import Schedule
from contracts.settings import AccountSettings, ChatSettings, SmsSettings
from service_kit.office_hours import is_open
from tickets.contacts.contact_model import NumberSaid

SESSION_GAP = timedelta(hours=24)
"""An SMS after so long a silence begins a new session."""

_VARIABLE = re.compile(r"\{\{\s*([a-z_.]+)\s*\}\}")


@dataclass(frozen=True, slots=True)
class AutoText:
    """What to say, and the rule that says it."""

    text: str
    rule: str


def office_hours_text(chat: ChatSettings, schedule: Schedule | None, now: datetime) -> AutoText | None:
    """The answer to the first message of a chat; none without a schedule, or where no text is set."""
    if schedule is None:
        return None
    opened = is_open(schedule, now)
    text = chat.in_hours_text if opened else chat.out_of_hours_text
    return AutoText(text, "in_hours" if opened else "out_of_hours") if text.strip() else None


def sms_answer(
    sms: SmsSettings, account: AccountSettings, said: NumberSaid | None, *, session_begins: bool
) -> AutoText | None:
    """The auto-responder's answer to an SMS. A number that said stop is never answered (M5)."""
    responder = sms.auto_responder
    said = said or NumberSaid()
    answers = {
        "off": False,
        "non_consented": not said.is_given,
        "all": True,
        "first_of_session": session_begins,
    }
    if said.is_stopped or not answers[responder.mode]:
        return None
    text = rendered(responder.text, variables(account))
    return AutoText(text, f"auto_responder_{responder.mode}") if text and text.strip() else None


def session_begins(last_inbound_at: datetime | None, *, was_closed: bool, now: datetime) -> bool:
    """Whether an SMS is the first of a session: on a new or closed ticket, or after a long silence."""
    return was_closed or last_inbound_at is None or now - last_inbound_at >= SESSION_GAP


def variables(account: AccountSettings) -> Mapping[str, str]:
    """What a text may refer to."""
    return {
        "organization.prefix": account.prefix,
        "organization.name": account.name,
        "support_email": account.support_email,
    }


def rendered(template: str, values: Mapping[str, str]) -> str | None:
    """The text with its variables filled in; None if one is unknown: better silent than with a hole in it (N2)."""
    if any(name not in values for name in _VARIABLE.findall(template)):
        return None
    return _VARIABLE.sub(lambda found: values[found.group(1)], template)
