"""A mail to an agent: that a note mentions them (N3). It never says what the note says. Pure."""

from collections.abc import Mapping
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Literal

from contracts.directories import AgentEntry
from contracts.envelope import UtcDatetime
from contracts.ids import derive_id
from contracts.settings import AccountSettings, EmailSettings
from contracts.tickets import TicketAgentMentioned
from notifier.identifiers_header import MAIL_POLICY
from notifier.retry import next_attempt_at
from service_kit.docstore import CollectionSpec, Index
from service_kit.timers import Timed, with_due, without_due

SEND = "send"

StaffMailState = Literal["pending", "sent", "skipped", "failed"]


class StaffMail(Timed):
    """One mail to one agent; its id derives from note and agent, so that it exists once."""

    account_id: str
    agent_id: str
    author_id: str | None
    ticket_id: str
    ticket_number: int
    message_id: str
    state: StaffMailState = "pending"
    reason: str | None = None
    attempt: int = 0
    created_at: UtcDatetime
    updated_at: UtcDatetime


STAFF_MAILS = CollectionSpec(
    name="staff_mails", model=StaffMail, indexes=(Index(("account_id", "created_at")), Index(("due_at",)))
)


def mention_mail(event: TicketAgentMentioned, now: datetime) -> StaffMail:
    """The mail that an event asks for, due at once."""
    mail = StaffMail(
        id=derive_id("stm", event.message_id, event.agent_id),
        account_id=event.account_id,
        agent_id=event.agent_id,
        author_id=event.actor.id if event.actor.kind == "agent" else None,
        ticket_id=event.ticket_id,
        ticket_number=event.ticket.number,
        message_id=event.message_id,
        created_at=now,
        updated_at=now,
    )
    return with_due(mail, SEND, now)


def settled(mail: StaffMail, state: StaffMailState, now: datetime, reason: str | None = None) -> StaffMail:
    """The mail after its last attempt."""
    return without_due(mail.model_copy(update={"state": state, "reason": reason, "updated_at": now}), SEND)


def deferred(mail: StaffMail, reason: str, now: datetime) -> StaffMail:
    """The mail after an attempt that may succeed later; failed when it has been tried for long enough."""
    tried = mail.model_copy(update={"attempt": mail.attempt + 1, "reason": reason[:500], "updated_at": now})
    again_at = next_attempt_at(tried.attempt, mail.created_at, now)
    return settled(tried, "failed", now, tried.reason) if again_at is None else with_due(tried, SEND, again_at)


def sender_of(account: AccountSettings, email: EmailSettings) -> str | None:
    """The address that mails to staff leave from: the account's, or the first that customers write to."""
    return account.support_email or min(email.addresses, default=None)


def composed(
    mail: StaffMail, agent: AgentEntry, agents: Mapping[str, AgentEntry], account: AccountSettings, sender: str
) -> EmailMessage:
    """The whole mail; an answer to it goes to the colleague, not into a new ticket.

    Ids and the ticket's number only: mailboxes of staff are not where customers' words belong.
    """
    author = agents.get(mail.author_id) if mail.author_id is not None else None
    who = _one_line(author.name) if author is not None else "A colleague"
    letter = EmailMessage(policy=MAIL_POLICY)
    letter["From"] = Address(display_name=_one_line(account.name) or "Deskbus", addr_spec=sender)
    letter["To"] = Address(display_name=_one_line(agent.name), addr_spec=agent.email)
    if author is not None and author.active:
        letter["Reply-To"] = Address(display_name=who, addr_spec=author.email)
    letter["Subject"] = f"{who} mentioned you in ticket #{mail.ticket_number}"
    letter["Date"] = format_datetime(mail.created_at)
    letter["Message-ID"] = f"<{mail.id}@{sender.rpartition('@')[2]}>"
    letter["Auto-Submitted"] = "auto-generated"
    letter["X-Auto-Response-Suppress"] = "All"
    letter.set_content(
        f"Hello {_one_line(agent.name)},\n\n"
        f"{who} mentioned you in a note on ticket #{mail.ticket_number} ({mail.ticket_id}).\n"
        "What it says is in the ticket only.\n"
    )
    return letter


def _one_line(text: str) -> str:
    return " ".join(text.split())
