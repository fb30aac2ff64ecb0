"""Splitting tickets (L7): the intent on the source, then the new ticket, then its messages one by one, then the link.

The source holds the intent and a timer until all is done: whoever dies in between, another replica finishes it.
"""

from collections.abc import Sequence

from contracts.ids import derive_id, new_id
from service_kit.auth import Principal
from service_kit.clock import Clock
from service_kit.crash_points import crash_point
from service_kit.errors import TransientError
from service_kit.timers import Due, without_due
from tickets.reshaping.split import SPLIT, finished, in_thread, intended, moved, split_off
from tickets.ticket.desk import Desk
from tickets.ticket.message_store import MessageStore
from tickets.ticket.model import Message, SplitIntent, Ticket
from tickets.ticket.ticket_numbers import TicketNumbers
from tickets.ticket.ticket_problems import nothing_left, require_unmerged, unknown_message

_ATTEMPTS = 20


class SplitContended(TransientError):
    """The ticket, or a message of it, changed each time it was about to be written."""


class Splitting:
    """The use case behind `…/split`."""

    def __init__(self, desk: Desk, messages: MessageStore, numbers: TicketNumbers, clock: Clock) -> None:
        self._desk = desk
        self._messages = messages
        self._numbers = numbers
        self._clock = clock

    async def split(
        self,
        principal: Principal,
        source_id: str,
        message_ids: Sequence[str],
        *,
        subject: str | None,
        expected: int | None,
        request_id: str | None,
    ) -> Ticket:
        """The new ticket; the same `request_id` again is the same ticket. Nothing is sent to anybody.

        Raises:
            Problem: there is no such ticket, it changed meanwhile (412), or the messages cannot leave it.
        """
        new_ticket_id = derive_id("tic", source_id, request_id or new_id("req"))
        for _ in range(_ATTEMPTS):
            source = await self._desk.load(principal.account_id, source_id)
            if source.split_intent is not None:
                await self._carry_out(source, source.split_intent)
                continue
            made = await self._desk.tickets.get(principal.account_id, new_ticket_id)
            if made is not None:
                return made
            require_unmerged(source)
            chosen = await self._chosen(source, message_ids)
            intent = SplitIntent(
                ticket_id=new_ticket_id,
                number=(await self._numbers.borrow(principal.account_id, 1))[0],
                subject=subject or source.subject,
                message_ids=tuple(message.id for message in chosen),
                actor=principal.actor,
                at=self._clock.now(),
            )
            held = await self._hold(source, intent, expected)
            if held.split_intent == intent:
                return await self._carry_out(held, intent)
        raise SplitContended(f"ticket {source_id} was split {_ATTEMPTS} times meanwhile")

    async def resume(self, ticket: Ticket, _: Due) -> None:
        """Finish what a ticket says was begun."""
        if ticket.split_intent is None:
            await self._desk.change(ticket.account_id, ticket.id, lambda current: without_due(current, SPLIT))
        else:
            await self._carry_out(ticket, ticket.split_intent)

    async def _chosen(self, source: Ticket, message_ids: Sequence[str]) -> Sequence[Message]:
        found = await self._messages.get_many(message_ids)
        if any(one not in found or not in_thread(source, found[one]) for one in message_ids):
            raise unknown_message()
        if len(found) >= source.message_count:
            raise nothing_left()
        return sorted(found.values(), key=lambda message: (message.created_at, message.seq or 0))

    async def _hold(self, source: Ticket, intent: SplitIntent, expected: int | None) -> Ticket:
        """The source with the intent, unless messages left it since they were chosen."""

        def edit(current: Ticket) -> Ticket:
            require_unmerged(current)
            if current.split_intent is not None or current.moved_messages != source.moved_messages:
                return current
            return intended(current, intent, self._clock.now())

        held = await self._desk.change(source.account_id, source.id, edit, expected=expected)
        crash_point("tickets.split_intended")
        return held

    async def _carry_out(self, source: Ticket, intent: SplitIntent) -> Ticket:
        """The new ticket, when everything is done."""
        found = await self._messages.get_many(intent.message_ids)
        wanted = split_off(source, intent, [found[one] for one in intent.message_ids])
        await self._desk.publish((await self._desk.tickets.insert([wanted])).done)
        crash_point("tickets.split_inserted")
        await self._move(intent)
        crash_point("tickets.split_moved")
        now = self._clock.now()
        await self._desk.change(source.account_id, source.id, lambda current: finished(current, intent, now))
        return await self._desk.load(source.account_id, intent.ticket_id)

    async def _move(self, intent: SplitIntent) -> None:
        for _ in range(_ATTEMPTS):
            found = await self._messages.get_many(intent.message_ids)
            left = [
                moved(found[message_id], intent.ticket_id, place)
                for place, message_id in enumerate(intent.message_ids, 1)
                if found[message_id].ticket_id != intent.ticket_id
            ]
            if not left or not (await self._messages.replace(left)).lost:
                return
        raise SplitContended(f"messages of ticket {intent.ticket_id} changed {_ATTEMPTS} times meanwhile")
