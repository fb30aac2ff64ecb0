"""Everything that tickets knows of a customer, as one JSON document (S3): written page by page, whatever its length.

It is the copy that article 15 of the GDPR gives the person: what they wrote and were written, what is known of them,
and what they did elsewhere. Internal notes are left out unless asked for: they may be about them, and may as well be
about others or be secrets of trade, which the company has to weigh case by case (article 15, paragraph 4).
"""

import base64
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contracts.people import Attachment
from service_kit.blobs import BlobMissing, Blobs
from service_kit.clock import Clock
from tickets.contacts.contact_activity_store import ActivityQuery, ContactActivityStore
from tickets.contacts.contact_model import Contact
from tickets.lists.message_view import MessageView
from tickets.privacy.block_kept import KeptMessage
from tickets.privacy.kept_of_contact import KeptOfContact
from tickets.ticket.message_store import MessageStore
from tickets.ticket.model import Message, Ticket
from tickets.ticket.ticket_store import TicketStore

FORMAT = "deskbus.contact-export.v1"
_ACTIVITIES_AT_ONCE = 200
_OF_CONTACT = {
    "id", "name", "emails", "phones", "external_ids", "visitor_ids", "unverified_email",
    "segments", "sms_consent", "custom", "blocked", "created_at", "updated_at",
}  # fmt: skip
_OF_TICKET = {
    "id", "number", "channel", "subject", "status", "tags", "priority", "correspondence", "custom",
    "created_at", "updated_at", "closed_at",
}  # fmt: skip
_OF_SET_ASIDE = {
    "message_id", "channel", "recipient", "subject", "text", "html", "quoted_text", "sent_at", "received_at",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ExportScope:
    """What to add: internal notes, and the bytes of files in base64."""

    notes: bool = False
    files: bool = False


class ContactExport:
    """Writes exports."""

    def __init__(
        self,
        activities: ContactActivityStore,
        tickets: TicketStore,
        messages: MessageStore,
        kept: KeptOfContact,
        blobs: Blobs,
        clock: Clock,
    ) -> None:
        self._did = activities
        self._tickets = tickets
        self._messages = messages
        self._kept = kept
        self._blobs = blobs
        self._clock = clock

    async def write(self, contact: Contact, scope: ExportScope) -> AsyncIterator[bytes]:
        """The document, in pieces: at most one message and one of its files is in memory."""
        head = {"format": FORMAT, "exported_at": self._clock.now().isoformat()}
        yield f"{json.dumps(head)[:-1]}, ".encode()
        yield f'"contact": {contact.model_dump_json(include=_OF_CONTACT)}, '.encode()
        yield b'"tickets": ['
        async for piece in _joined(self._ticket(ticket, scope) async for ticket in self._all_tickets(contact)):
            yield piece
        yield b'], "set_aside": ['
        async for piece in _joined(self._set_aside(kept, scope) async for kept in self._kept.read(contact)):
            yield piece
        yield b'], "activities": ['
        async for piece in _joined(_once(activity) async for activity in self._activities(contact)):
            yield piece
        yield b"]}"

    async def _ticket(self, ticket: Ticket, scope: ExportScope) -> AsyncIterator[bytes]:
        yield f'{ticket.model_dump_json(include=_OF_TICKET)[:-1]}, "messages": ['.encode()
        wanted = (one async for one in self._all_messages(ticket) if scope.notes or one.kind != "note")
        async for piece in _joined(self._message(message, scope) async for message in wanted):
            yield piece
        yield b"]}"

    async def _message(self, message: Message, scope: ExportScope) -> AsyncIterator[bytes]:
        shown: dict[str, Any] = MessageView.of(message).model_dump(mode="json")
        files = shown.pop("attachments")
        yield f"{json.dumps(shown)[:-1]}, ".encode()
        async for piece in self._files(files, message.attachments, scope):
            yield piece

    async def _set_aside(self, kept: KeptMessage, scope: ExportScope) -> AsyncIterator[bytes]:
        """What they wrote while they were blocked, which is part of no ticket."""
        received = kept.received
        yield f"{received.model_dump_json(include=_OF_SET_ASIDE)[:-1]}, ".encode()
        files = [file.model_dump(mode="json", exclude={"blob_key"}) for file in received.attachments]
        async for piece in self._files(files, received.attachments, scope):
            yield piece

    async def _files(
        self, shown: Sequence[Mapping[str, Any]], files: Sequence[Attachment], scope: ExportScope
    ) -> AsyncIterator[bytes]:
        yield b'"attachments": ['
        for number, (about, file) in enumerate(zip(shown, files, strict=True)):
            content = await self._content(file.blob_key) if scope.files else None
            yield (b", " if number else b"") + json.dumps({**about, "content": content}).encode()
        yield b"]}"

    async def _content(self, blob_key: str) -> str | None:
        try:
            return base64.b64encode(await self._blobs.get(blob_key)).decode()
        except BlobMissing:
            return None

    async def _all_tickets(self, contact: Contact) -> AsyncIterator[Ticket]:
        cursor: str | None = None
        while True:
            page = await self._tickets.of_contacts(contact.account_id, contact.ids, cursor=cursor)
            for ticket in page.items:
                if ticket.erased_at is None:
                    yield ticket
            cursor = page.next_cursor
            if cursor is None:
                return

    async def _all_messages(self, ticket: Ticket) -> AsyncIterator[Message]:
        cursor: str | None = None
        while True:
            page = await self._messages.in_order(ticket.id, cursor=cursor)
            for message in page.items:
                yield message
            cursor = page.next_cursor
            if cursor is None:
                return

    async def _activities(self, contact: Contact) -> AsyncIterator[bytes]:
        cursor: str | None = None
        while True:
            page = await self._did.page(ActivityQuery(contact.ids), limit=_ACTIVITIES_AT_ONCE, cursor=cursor)
            for activity in page.items:
                yield activity.model_dump_json(include={"id", "metric", "at", "properties"}).encode()
            cursor = page.next_cursor
            if cursor is None:
                return


async def _joined(parts: AsyncIterator[AsyncIterator[bytes]]) -> AsyncIterator[bytes]:
    """The pieces of JSON values, with commas between the values."""
    is_first = True
    async for part in parts:
        if not is_first:
            yield b", "
        is_first = False
        async for piece in part:
            yield piece


async def _once(piece: bytes) -> AsyncIterator[bytes]:
    yield piece
