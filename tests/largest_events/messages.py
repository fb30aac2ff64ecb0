"""The largest messages, on their way in and out."""

from typing import Any

from contracts.envelope import Event
from contracts.mail import MailAccepted
from contracts.outbound import MailThreading, OutboundMessageRequested
from contracts.people import Attachment, Party
from contracts.settings import ChatSettings
from ingest_email.inbound import Understood, received
from ingest_email.parsing.attachments import MAX_FILES as MOST_MAIL_FILES
from ingest_email.parsing.bodies import MAX_HTML_BYTES, MAX_TEXT_BYTES
from ingest_email.parsing.header_block import MAX_BLOCK_BYTES
from ingest_email.parsing.model import MailBody, MailHead
from ingest_sms.twilio import parse_message
from ingest_sms.workflow import Arrival, inbound
from largest_events.filling import AN_ID, EMOJI, NOON, envelope, filled, text_of
from tickets.writing.attachments import MAX_FILES
from tickets.writing.conversation import MAX_PARTICIPANTS
from tickets.writing.outgoing import MAX_BODY_BYTES
from webchat_gateway.follow_up import follow_up_mail
from webchat_gateway.inbound import message_received
from webchat_gateway.model import VISITOR_KEY, ChatMessage, Conversation

CONVERSATION = Conversation(
    id=AN_ID, account_id="a", visitor_id=AN_ID, name=EMOJI * 200, email="é" * 320, created_at=NOON
)
"""A visitor who filled the form as far as it goes."""


def mail_accepted() -> Event:
    """A provider that passes on what is no address."""
    path = text_of(1_000)
    return MailAccepted(
        **envelope(recipient=EMOJI * 320, envelope_sender=path, envelope_sender_key=path, via="sendgrid", peer=AN_ID),
        raw_blob_key=AN_ID,
        size=2**40,
        received_at=NOON,
    )


def mail_received() -> Event:
    """Every part at its limit: text, history and HTML as the parser cuts them, a header block full of addresses."""
    accepted: Any = mail_accepted()
    addresses = tuple("€" * 300 for _ in range(MAX_BLOCK_BYTES // 300))
    head = MailHead(
        from_email="é" * 320,
        from_name=EMOJI * 500,
        subject=EMOJI * 1_000,
        message_id=EMOJI * 500,
        to=addresses,
    )
    body = MailBody(text='"' * MAX_TEXT_BYTES, quoted_text='"' * MAX_TEXT_BYTES, html='"' * MAX_HTML_BYTES)
    file = Attachment(
        id=AN_ID, name=EMOJI * 200, content_type="t" * 199, size=2**40, blob_key=AN_ID, content_id=EMOJI * 200
    )
    known = Understood(accepted, "support@acme.example", head, body)
    told = received(known, sender="é" * 320, attachments=(file,) * MOST_MAIL_FILES, own=None)

    assert told.parse_error is not None
    assert told.text == body.text
    return told


def sms_received() -> Event:
    """The longest webhook that is not refused."""
    form = {"MessageSid": text_of(1_000), "From": text_of(32), "To": text_of(32), "Body": text_of(20_000)}
    message = parse_message({**form, **{f"MediaUrl{number}": text_of(1_000) for number in range(10)}})
    return inbound(Arrival("a" * 100, AN_ID, AN_ID, text_of(32), "+1", NOON, message), campaign_id=text_of(200))


def reply() -> Event:
    """An agent's longest reply in the longest thread, to everybody in copy, with every file."""
    file = Attachment(id=AN_ID, name=text_of(255), content_type="t" * 200, size=2**40, blob_key=AN_ID)
    ids = tuple(EMOJI * 998 for _ in range(20))
    mail = MailThreading(
        message_id=AN_ID, in_reply_to=ids[0], references=ids, reply_to=AN_ID, cc=(EMOJI * 320,) * MAX_PARTICIPANTS
    )
    given = {"text": "x" * (MAX_BODY_BYTES - 6), "html": "", "mail": mail, "attachments": (file,) * MAX_FILES}
    told: Event = filled(
        OutboundMessageRequested, **envelope(**given, channel="email", recipient=Party(email="e" * 320))
    )
    return told


def said_in_chat(number: int, author: str, text: str) -> ChatMessage:
    """A message of the conversation."""
    given = {"id": AN_ID, "account_id": "a", "conversation_id": AN_ID, "sender_key": VISITOR_KEY + text_of(100)}
    return ChatMessage.model_validate({**given, "seq": number, "author": author, "text": text, "at": NOON})


def chat_received() -> Event:
    """The longest frame of a visitor who is known as well as may be."""
    return message_received(CONVERSATION, said_in_chat(1, "visitor", text_of(10_000)))


def follow_up() -> Event:
    """A visitor who missed everything that one look into the store finds."""
    missed = [said_in_chat(number, "agent", text_of(10_000)) for number in range(200)]
    mail = follow_up_mail(CONVERSATION, missed, ChatSettings(support_address="é" * 320), NOON)

    assert mail.text.endswith("come back to the chat to read all of it.")
    return mail
