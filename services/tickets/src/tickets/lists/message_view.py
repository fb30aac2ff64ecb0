"""A message as the API shows it."""

from pydantic import BaseModel

from contracts.envelope import UtcDatetime
from contracts.people import Attachment
from contracts.tickets import MessageKind
from tickets.ticket.model import Delivery, Message, Redaction


class AuthorView(BaseModel):
    """Who wrote a message."""

    kind: str
    id: str | None
    name: str | None


class AttachmentView(BaseModel):
    """A file of a message; its bytes are at `…/attachments/{id}`. `content_id` is set for inline images."""

    id: str
    name: str
    content_type: str
    size: int
    content_id: str | None

    @classmethod
    def of(cls, attachment: Attachment) -> "AttachmentView":
        """The public side: not where the bytes lie."""
        return cls(
            id=attachment.id,
            name=attachment.name,
            content_type=attachment.content_type,
            size=attachment.size,
            content_id=attachment.content_id,
        )


class MessageView(BaseModel):
    """One message; `automatic` says that no person wrote it, `quoted_text` is what a mail repeats of earlier ones.

    `ticket_id` is the ticket that counts it, and `seq` its place there: in the thread of a ticket that others were
    merged into, theirs stand between its own. `mentions` are agents whom a note names.
    `redaction` is set where an admin took text and files away.
    """

    id: str
    ticket_id: str | None
    seq: int | None
    kind: MessageKind
    author: AuthorView
    text: str
    html: str | None
    quoted_text: str | None
    attachments: list[AttachmentView]
    automatic: bool
    mentions: tuple[str, ...]
    created_at: UtcDatetime
    delivery: Delivery | None
    redaction: Redaction | None

    @classmethod
    def of(cls, message: Message) -> "MessageView":
        """The public side of the document."""
        return cls(
            id=message.id,
            ticket_id=message.ticket_id,
            seq=message.seq,
            kind=message.kind,
            author=AuthorView(kind=message.author.kind, id=message.author.id, name=message.author_name),
            text=message.text,
            html=message.html,
            quoted_text=message.quoted_text,
            attachments=[AttachmentView.of(attachment) for attachment in message.attachments],
            automatic=message.automatic,
            mentions=message.mentions,
            created_at=message.created_at,
            delivery=message.delivery,
            redaction=message.redaction,
        )
