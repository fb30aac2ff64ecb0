"""Writing what a batch decided, in bulk, so that what somebody else changed meanwhile is left alone and told.

The order is what makes a crash harmless: identities and contacts, then messages with their ticket, then the tickets
that count them, then everything that is published from there.
"""

import asyncio
from collections.abc import Iterable, Sequence

from service_kit.crash_points import crash_point
from service_kit.outbox import Outbox
from tickets.contacts.contact_model import Contact
from tickets.contacts.contact_store import ContactStore
from tickets.intake.intake_plan import IntakePlan, Outcome
from tickets.privacy.block_store import BlockStore
from tickets.ticket.message_store import MessageStore
from tickets.ticket.model import Ticket
from tickets.ticket.ticket_store import TicketStore


class IntakeWriter:
    """Stores and publishes one plan."""

    def __init__(
        self,
        tickets: TicketStore,
        messages: MessageStore,
        contacts: ContactStore,
        ticket_outbox: Outbox[Ticket],
        contact_outbox: Outbox[Contact],
        blocks: BlockStore,
    ) -> None:
        self._tickets = tickets
        self._messages = messages
        self._contacts = contacts
        self._ticket_outbox = ticket_outbox
        self._contact_outbox = contact_outbox
        self._blocks = blocks

    async def write(self, plan: IntakePlan) -> Sequence[Outcome]:
        """The outcomes that hold: all they depend on is stored and published. The others are to be decided again."""
        lost_contacts, contacts = await self._write_contacts(plan)
        holding: Sequence[Outcome] = [outcome for outcome in plan.outcomes if outcome.contact_id not in lost_contacts]
        await self._blocks.keep(plan.state.kept)
        lost_messages = await self._write_messages(plan, holding)
        crash_point("tickets.message_inserted")
        holding = _undisturbed([outcome for outcome in holding if outcome.message_id not in lost_messages], plan)
        lost_tickets, tickets = await self._write_tickets(plan, holding)
        crash_point("tickets.ticket_written")
        await asyncio.gather(self._contact_outbox.publish(contacts), self._ticket_outbox.publish(tickets))
        return [outcome for outcome in holding if lost_tickets.isdisjoint(outcome.ticket_ids)]

    async def _write_contacts(self, plan: IntakePlan) -> tuple[frozenset[str], Sequence[Contact]]:
        """Identities first: they are what is unique. The contacts that were refused, and those to publish."""
        identities = plan.state.identities.changed
        refused = (await self._contacts.insert_identities(identities)).lost
        lost = frozenset(plan.state.home(known_as.contact_id) for known_as in identities if known_as.id in refused)
        outcome = await self._contacts.write([c for c in plan.state.contacts.changed if c.id not in lost])
        return lost | outcome.lost, outcome.done

    async def _write_messages(self, plan: IntakePlan, holding: Iterable[Outcome]) -> frozenset[str]:
        """The messages that were refused; with an automatic answer goes the message it answers."""
        tickets = {ticket_id for outcome in holding for ticket_id in outcome.ticket_ids}
        wanted = [
            message
            for message in plan.state.messages.changed
            if message.ticket_id is None or message.ticket_id in tickets
        ]
        inserted = await self._messages.insert([message for message in wanted if message.rev == 0])
        replaced = await self._messages.replace([message for message in wanted if message.rev > 0])
        lost = inserted.lost | replaced.lost
        disturbed = {message.ticket_id for message in wanted if message.id in lost}
        return lost | {message.id for message in wanted if message.ticket_id in disturbed - {None}}

    async def _write_tickets(
        self, plan: IntakePlan, holding: Sequence[Outcome]
    ) -> tuple[frozenset[str], Sequence[Ticket]]:
        """The tickets that were refused, and those to publish.

        Replaced before inserted, so that a thread key is free for the ticket that takes it over.
        """
        ids = {ticket_id for outcome in holding for ticket_id in outcome.ticket_ids}
        changed = [ticket for ticket in plan.state.tickets.changed if ticket.id in ids]
        replaced = await self._tickets.replace([ticket for ticket in changed if ticket.rev > 0])
        orphaned = _bound_to(replaced.lost, holding)
        inserted = await self._tickets.insert([t for t in changed if t.rev == 0 and t.id not in orphaned])
        unchanged = (ids | plan.full) - {ticket.id for ticket in changed}
        carrying = [ticket for i in unchanged if (ticket := plan.state.tickets.get(i)) is not None]
        return replaced.lost | inserted.lost | orphaned, [*replaced.done, *inserted.done, *carrying]


def _bound_to(lost: frozenset[str], holding: Sequence[Outcome]) -> frozenset[str]:
    """The tickets of messages that also concern a lost one."""
    bound = (outcome.ticket_ids for outcome in holding if not lost.isdisjoint(outcome.ticket_ids))
    return frozenset(ticket_id for ids in bound for ticket_id in ids)


def _undisturbed(holding: Sequence[Outcome], plan: IntakePlan) -> Sequence[Outcome]:
    """The outcomes whose tickets contain no message that was lost: a ticket is written whole or not at all."""
    kept = {outcome.event.id for outcome in holding}
    while True:
        disturbed = {i for outcome in plan.outcomes if outcome.event.id not in kept for i in outcome.ticket_ids}
        remaining = [outcome for outcome in holding if disturbed.isdisjoint(outcome.ticket_ids)]
        if len(remaining) == len(holding):
            return remaining
        holding, kept = remaining, {outcome.event.id for outcome in remaining}
