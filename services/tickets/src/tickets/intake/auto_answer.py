"""Whether Deskbus answers a customer's message by itself, and with what (W3, M6, X7). Pure."""

from datetime import datetime

from contracts.inbound import InboundMessageReceived
from tickets.contacts.contact_model import Contact
from tickets.intake.auto_text import AutoText, office_hours_text, session_begins, sms_answer
from tickets.intake.verdict import Join, Start
from tickets.ticket.model import Ticket
from tickets.ticket.rules import Rules
from tickets.writing.conversation import sender_value


def auto_answer(
    event: InboundMessageReceived,
    disposition: Join | Start,
    before: Ticket | None,
    contact: Contact,
    rules: Rules,
    now: datetime,
) -> AutoText | None:
    """The answer, or none; `before` is the ticket as it was. Machines and keywords are never answered.

    A chat that takes over the thread of a closed one is the same conversation: it was answered already. A merged
    ticket that is answered by another channel says nothing by itself: the answer would go where nobody asked.
    """
    if event.automatic is not None or (before is not None and before.channel != event.channel):
        return None
    if event.chat is not None:
        begins = isinstance(disposition, Start) and disposition.follow_up_of is None
        return office_hours_text(rules.chat, rules.chat_schedule, now) if begins else None
    if event.sms is None or event.sms.keyword is not None:
        return None
    begins = session_begins(
        before.last_inbound_at if before else None,
        was_closed=before is None or before.status == "closed",
        now=event.received_at,
    )
    said = contact.sms_consent.get(sender_value(event))
    return sms_answer(rules.sms, rules.account, said, session_begins=begins)
