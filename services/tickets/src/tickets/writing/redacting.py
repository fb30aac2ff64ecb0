"""The use case behind `…/redact` (N1): the words go from the tickets, then the ticket says that the message goes.

The message itself, and its files, are taken away when that event is published (`publication`), by whoever publishes it,
so that a crash leaves nothing half done. Repeating the request is harmless at any point.
"""

from collections.abc import AsyncIterator, Sequence

from service_kit.auth import Principal
from service_kit.clock import Clock
from service_kit.errors import TransientError
from tickets.contacts.contact_store import ContactStore
from tickets.reshaping.split import in_thread
from tickets.ticket.desk import Desk
from tickets.ticket.message_store import MessageStore
from tickets.ticket.model import Message, Ticket
from tickets.ticket.ticket_problems import no_such
from tickets.writing.redaction import announced, is_leaving, unsaid

_ATTEMPTS = 20
_LONGEST_CHAIN = 50
_PAGE = 200


class RedactionContended(TransientError):
    """The tickets of the message changed each time it was about to be redacted, or it is still on its way out."""


class _TicketMoved(Exception):
    """A ticket said something since its thread was read."""


class Redacting:
    """Redacts messages."""

    def __init__(self, desk: Desk, messages: MessageStore, contacts: ContactStore, clock: Clock) -> None:
        self._desk = desk
        self._messages = messages
        self._contacts = contacts
        self._clock = clock

    async def redact(self, principal: Principal, ticket_id: str, message_id: str, reason: str) -> Message:
        """The message without what it said; again, as it was redacted first.

        Raises:
            Problem: there is no such message in this ticket.
        """
        for _ in range(_ATTEMPTS):
            shown = await self._desk.load(principal.account_id, ticket_id)
            message = (await self._messages.get_many([message_id])).get(message_id)
            if message is None or not in_thread(shown, message):
                raise no_such("message")
            if message.redaction is not None:
                return message
            holders = await self._holders(principal.account_id, message)
            try:
                for holder in holders[1:]:
                    await self._forget(holder, message)
                await self._announce(holders[0], message, reason, principal)
            except _TicketMoved:
                continue
        raise RedactionContended(f"message {message_id} could not be redacted in {_ATTEMPTS} attempts")

    async def _holders(self, account_id: str, message: Message) -> Sequence[Ticket]:
        """The tickets that are found by the message's words; first the one that shows it now.

        Those are its own, those that this one was merged into, and those that it was split from, with what was merged
        into them: the message may have come from there.
        """
        owner = await self._desk.load(account_id, str(message.ticket_id))
        merged, split = [owner], list[Ticket]()
        while merged[0].merged_into is not None and len(merged) < _LONGEST_CHAIN:
            merged.insert(0, await self._desk.load(account_id, merged[0].merged_into))
        before: Ticket | None = owner
        while before is not None and before.follow_up_of is not None and len(split) < _LONGEST_CHAIN:
            before = await self._split_source(account_id, before.follow_up_of)
            if before is not None:
                parts = await self._desk.tickets.get_many(before.merged)
                split += [before, *(one for one in parts.values() if one.erased_at is None)]
        return [*merged, *split]

    async def _split_source(self, account_id: str, ticket_id: str) -> Ticket | None:
        """The ticket, if messages left it by a split; a follow-up alone has taken none with it."""
        ticket = await self._desk.tickets.get(account_id, ticket_id)
        return ticket if ticket is not None and ticket.moved_messages else None

    async def _forget(self, holder: Ticket, message: Message) -> None:
        wanted = await self._unsaid(holder, message)

        def edit(current: Ticket) -> Ticket:
            return _as_read(current, holder, wanted)

        await self._desk.change(holder.account_id, holder.id, edit)

    async def _announce(self, head: Ticket, message: Message, reason: str, principal: Principal) -> None:
        await self._desk.publish([head])
        head = await self._desk.load(head.account_id, head.id)
        if is_leaving(head, message.id):
            raise RedactionContended(f"message {message.id} is on its way out")
        wanted = await self._unsaid(head, message)

        def edit(current: Ticket) -> Ticket:
            ticket = _as_read(current, head, wanted)
            return announced(ticket, message, reason, actor=principal.actor, now=self._clock.now())

        await self._desk.change(head.account_id, head.id, edit)

    async def _unsaid(self, ticket: Ticket, message: Message) -> Ticket:
        contact = await self._contacts.get(ticket.account_id, ticket.contact_id)
        said = [one async for one in self._thread(ticket)]
        return unsaid(ticket, message, said, contact)

    async def _thread(self, ticket: Ticket) -> AsyncIterator[Message]:
        for ticket_id in (ticket.id, *ticket.merged):
            cursor = None
            while True:
                page = await self._messages.page(ticket_id, limit=_PAGE, cursor=cursor)
                for message in page.items:
                    yield message
                cursor = page.next_cursor
                if cursor is None:
                    break


def _as_read(current: Ticket, read: Ticket, wanted: Ticket) -> Ticket:
    """The ticket as it is now with the words that were decided; decided again if its thread may have grown."""
    if current.event_seq != read.event_seq:
        raise _TicketMoved
    if wanted is read:
        return current
    return current.model_copy(update={"subject": wanted.subject, "search_tokens": wanted.search_tokens})
