"""Reading threads: messages in pages, and the files they carry."""

import asyncio
from dataclasses import dataclass

from service_kit.docstore import Page
from tickets.reshaping.merged_thread import END, newest, read_places, write_places
from tickets.ticket.message_store import MessageStore
from tickets.ticket.model import Message, Ticket
from tickets.ticket.ticket_problems import no_such
from tickets.writing.attachments import Attachments


@dataclass(frozen=True, slots=True)
class File:
    """An attachment with its bytes."""

    name: str
    content_type: str
    data: bytes


class Threads:
    """What a ticket's thread holds; the ticket was looked up in the reader's account."""

    def __init__(self, messages: MessageStore, attachments: Attachments) -> None:
        self._messages = messages
        self._attachments = attachments

    async def page(self, ticket: Ticket, *, limit: int, cursor: str | None) -> Page[Message]:
        """Messages: the newest page first, oldest first within each; those of merged tickets by their time."""
        if ticket.merged:
            return await self._merged_page(ticket, limit=limit, cursor=cursor)
        page = await self._messages.page(ticket.id, limit=limit, cursor=cursor)
        return Page(list(reversed(page.items)), page.next_cursor)

    async def _merged_page(self, ticket: Ticket, *, limit: int, cursor: str | None) -> Page[Message]:
        places = read_places(cursor) if cursor is not None else dict.fromkeys((ticket.id, *ticket.merged), END)
        asked = {one: place for one, place in places.items() if one == ticket.id or one in ticket.merged}
        pages = await asyncio.gather(*(self._messages.before(one, place, limit=limit) for one, place in asked.items()))
        items = newest([page.items for page in pages], limit)
        is_last = all(page.next_cursor is None for page in pages) and len(items) == sum(len(p.items) for p in pages)
        left = {**asked, **{str(message.ticket_id): message.seq or 0 for message in items}}
        return Page(list(reversed(items)), None if is_last else write_places(left))

    async def file(self, ticket: Ticket, message_id: str, attachment_id: str) -> File:
        """A file of one of the ticket's messages.

        Raises:
            Problem: there is no such file.
        """
        message = (await self._messages.get_many([message_id])).get(message_id)
        files = message.attachments if message is not None and message.ticket_id in {ticket.id, *ticket.merged} else ()
        for file in files:
            if file.id == attachment_id:
                return File(file.name, file.content_type, await self._attachments.read(file))
        raise no_such("attachment")
