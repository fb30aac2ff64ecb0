"""Forgetting what a customer wrote: tickets, messages with their files, history, drafts, and lines of the ledger.

Files go first, then the ledger's lines, then the messages that name both: so that whatever is interrupted can be done
again to the end.
"""

from collections.abc import AsyncIterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from service_kit.clock import Clock
from service_kit.crash_points import crash_point
from service_kit.docstore.tokens import document_tokens
from service_kit.errors import TransientError
from tickets.mentions.mention_store import MentionStore
from tickets.privacy.erasure import Erasure, erased_message, erased_ticket
from tickets.privacy.erasure_blobs import ErasureBlobs
from tickets.privacy.erasure_ledger import ErasureLedger
from tickets.ticket.desk import Desk
from tickets.ticket.history_store import HistoryStore
from tickets.ticket.message_store import MessageStore
from tickets.ticket.model import Message, Ticket
from tickets.writing.conversation import MAX_SEARCH_TOKENS
from tickets.writing.saved_draft_store import SavedDraftStore


@dataclass(slots=True)
class Forgotten:
    """The tickets that are forgotten by now; `is_back`: the customer has written again since they asked."""

    ticket_ids: list[str] = field(default_factory=list)
    is_back: bool = False


class ErasureTickets:
    """The part of an erasure that is about tickets."""

    def __init__(
        self,
        desk: Desk,
        messages: MessageStore,
        history: HistoryStore,
        drafts: SavedDraftStore,
        mentions: MentionStore,
        ledger: ErasureLedger,
        blobs: ErasureBlobs,
        clock: Clock,
    ) -> None:
        self._desk = desk
        self._messages = messages
        self._history = history
        self._drafts = drafts
        self._mentions = mentions
        self._ledger = ledger
        self._blobs = blobs
        self._clock = clock

    async def forget(self, erasure: Erasure, addresses: AbstractSet[str]) -> Forgotten:
        """Forget all they wrote before they were to be forgotten; again finds nothing left.

        Unless the erasure is of the whole contact, only what was written from these `addresses`.
        """
        done = Forgotten()
        async for ticket in self._tickets_of(erasure):
            if ticket.created_at > erasure.requested_at:
                done.is_back = True
            elif erasure.whole or ticket.erased_at or ticket.correspondence.theirs.strip().lower() in addresses:
                await self._forget_ticket(ticket, erasure)
                done.ticket_ids.append(ticket.id)
        if erasure.whole:
            await self._forget_guest(erasure)
        return done

    async def _tickets_of(self, erasure: Erasure) -> AsyncIterator[Ticket]:
        cursor: str | None = None
        while True:
            page = await self._desk.tickets.of_contacts(erasure.account_id, erasure.contact_ids, cursor=cursor)
            for ticket in page.items:
                yield ticket
            cursor = page.next_cursor
            if cursor is None:
                return

    async def _forget_ticket(self, ticket: Ticket, erasure: Erasure) -> None:
        last_event = ticket.event_seq
        if ticket.erased_at is None:
            await self._detach(ticket, erasure)
            now = self._clock.now()
            husk = await self._desk.change(
                ticket.account_id, ticket.id, lambda current: erased_ticket(current, actor=erasure.actor, now=now)
            )
            last_event = husk.event_seq
            crash_point("tickets.ticket_erased")
        cursor: str | None = None
        while True:
            page = await self._messages.every_of(ticket.id, cursor=cursor)
            await self._forget_messages([message for message in page.items if message.erased_at is None])
            cursor = page.next_cursor
            if cursor is None:
                break
        await self._drafts.forget(ticket.id)
        await self._mentions.forget(ticket.id)
        # Whoever follows a list learns from the last one that it left.
        await self._history.forget(ticket.id, before=last_event)

    async def _forget_messages(self, messages: Sequence[Message]) -> None:
        if not messages:
            return
        ids = {message.id for message in messages}
        files = (file.blob_key for message in messages for file in message.attachments)
        await self._blobs.forget(files, of=ids)
        await self._ledger.forget(messages[0].account_id, (message.provider_message_id for message in messages))
        crash_point("tickets.message_erased")
        now = self._clock.now()
        if (await self._messages.replace([erased_message(message, now) for message in messages])).lost:
            raise TransientError("messages changed while they were to be forgotten")

    async def _forget_guest(self, erasure: Erasure) -> None:
        """What they wrote in the tickets of others, where those had them in copy."""
        cursor: str | None = None
        while True:
            page = await self._messages.traced_page(erasure.contact_ids, cursor=cursor)
            written = [one for one in page.items if one.account_id == erasure.account_id and one.erased_at is None]
            mine = [one for one in written if one.created_at <= erasure.requested_at]
            gone = {one.id for one in mine}
            # The words first: a forgotten message leads to no ticket any more.
            for ticket_id in sorted({one.ticket_id for one in mine if one.ticket_id is not None}):
                await self._reindex(erasure.account_id, ticket_id, without=gone)
            await self._forget_messages(mine)
            cursor = page.next_cursor
            if cursor is None:
                return

    async def _detach(self, ticket: Ticket, erasure: Erasure) -> None:
        """A ticket of somebody else's that this one was merged into, or that was merged into it, goes on without it."""
        near = {one for one in (ticket.merged_into, *ticket.merged) if one is not None}
        others = (await self._desk.tickets.get_many(near)).values() if near else ()
        for other in others:
            if other.contact_id in erasure.contact_ids or other.erased_at is not None:
                continue
            await self._desk.change(other.account_id, other.id, lambda current: _without(current, ticket))
            await self._reindex(other.account_id, other.id)

    async def _reindex(self, account_id: str, ticket_id: str, *, without: AbstractSet[str] = frozenset()) -> None:
        """Search finds a ticket of somebody else by what is still in it."""
        kept = self._thread(ticket_id)
        texts = [message.text async for message in kept if message.erased_at is None and message.id not in without]

        def edit(current: Ticket) -> Ticket:
            tokens = document_tokens(str(current.number), current.subject, *texts)[:MAX_SEARCH_TOKENS]
            return current.model_copy(update={"search_tokens": tuple(tokens)})

        ticket = await self._desk.tickets.get(account_id, ticket_id)
        if ticket is not None:
            await self._desk.change(account_id, ticket_id, edit)

    async def _thread(self, ticket_id: str) -> AsyncIterator[Message]:
        cursor: str | None = None
        while True:
            page = await self._messages.every_of(ticket_id, cursor=cursor)
            for message in page.items:
                yield message
            cursor = page.next_cursor
            if cursor is None:
                return


def _without(ticket: Ticket, gone: Ticket) -> Ticket:
    if ticket.merged_into == gone.id:
        return ticket.model_copy(update={"merged_into": None})
    merged = tuple(one for one in ticket.merged if one != gone.id)
    fewer = max(0, ticket.merged_messages - gone.message_count) if gone.id in ticket.merged else ticket.merged_messages
    return ticket.model_copy(update={"merged": merged, "merged_messages": fewer})
