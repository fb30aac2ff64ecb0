"""What happens when a ticket's events are published: the one place that turns them into the rest.

A ticket's write is the only decision; all that follows from it is derived here from its events, by whoever publishes
them, and may be done again: its history is kept, its messages get their place and their delivery state, and requests
to send get their bodies. So nothing that a crash interrupts is left half done: the relay comes by here too.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import structlog

from contracts.envelope import Event
from contracts.outbound import OutboundMessageRequested
from contracts.tickets import (
    TicketDeliveryUpdated,
    TicketEvent,
    TicketMessageAdded,
    TicketMessageCompleted,
    TicketMessageRedacted,
)
from service_kit.clock import Clock
from service_kit.errors import TransientError
from tickets.macros.macro_uses import MacroUses
from tickets.mentions.mention_inbox import MentionInbox
from tickets.privacy.erasure_blobs import ErasureBlobs
from tickets.ticket.history_store import HistoryStore
from tickets.ticket.message_store import MessageStore
from tickets.ticket.model import Delivery, HistoryEntry, Message, entry_id
from tickets.writing.delivery_state import advances
from tickets.writing.outgoing import filled
from tickets.writing.redaction import redacted

_ATTEMPTS = 20
_ENVELOPE = {"type", "id", "account_id", "time", "ticket_id", "seq", "actor", "cause"}

_OfMessage = TicketMessageAdded | TicketDeliveryUpdated | TicketMessageRedacted | TicketMessageCompleted
"""Events that change the message they name."""

logger = structlog.get_logger()


class MessagesContended(TransientError):
    """Messages changed each time they were about to be brought up to date."""


class Publication:
    """Given to the outbox as its `load`. `tell` is told of events once all that they entail can be read."""

    def __init__(
        self,
        messages: MessageStore,
        history: HistoryStore,
        files: ErasureBlobs,
        clock: Clock,
        tell: Callable[[Sequence[TicketEvent]], None] | None = None,
        macro_uses: MacroUses | None = None,
        mentions: MentionInbox | None = None,
    ) -> None:
        self._messages = messages
        self._history = history
        self._files = files
        self._clock = clock
        self._tell = tell
        self._macro_uses = macro_uses
        self._mentions = mentions

    async def __call__(self, events: Sequence[Event]) -> Sequence[Event]:
        """The events as they go out, after everything they entail here is stored."""
        told = [event for event in events if isinstance(event, TicketEvent)]
        now = self._clock.now()
        messages, _ = await asyncio.gather(
            self._bring_up_to_date(told, events), self._history.record([history_entry(event, now) for event in told])
        )
        if self._macro_uses is not None:
            await self._macro_uses.count(told)
        if self._mentions is not None:
            await self._mentions.note(told)
        if self._tell is not None:
            self._tell(told)
        return [complete for event in events if (complete := _complete(event, messages)) is not None]

    async def _bring_up_to_date(self, told: Sequence[TicketEvent], events: Sequence[Event]) -> Mapping[str, Message]:
        ids = {event.message_id for event in told if isinstance(event, _OfMessage)}
        ids |= {event.message_id for event in events if isinstance(event, OutboundMessageRequested)}
        inserted = self._messages.take_inserted(ids)
        for _ in range(_ATTEMPTS):
            messages = {**inserted, **await self._messages.get_many(ids - inserted.keys())}
            wanted = projected(messages, told)
            changed = [message for message in wanted.values() if message is not messages[message.id]]
            await self._remove_files([messages[one.id] for one in changed if one.redaction is not None])
            if not changed or not (await self._messages.replace(changed)).lost:
                return wanted
            inserted = {}
        raise MessagesContended(f"{len(ids)} messages changed {_ATTEMPTS} times meanwhile")

    async def _remove_files(self, redacted_messages: Sequence[Message]) -> None:
        """Take files away before the message that names them forgets where they are, unless another has them too."""
        for message in redacted_messages:
            await self._files.forget((file.blob_key for file in message.attachments), of={message.id})


def projected(messages: Mapping[str, Message], events: Sequence[TicketEvent]) -> dict[str, Message]:
    """The messages as the events say they are now."""
    current = dict(messages)
    for event in events:
        if isinstance(event, _OfMessage) and event.message_id in current:
            current[event.message_id] = _told(current[event.message_id], event)
    return current


def history_entry(event: TicketEvent, recorded_at: datetime | None = None) -> HistoryEntry:
    """An event as history keeps it; one that is not kept yet was recorded at no time."""
    return HistoryEntry(
        id=entry_id(event.ticket_id, event.seq),
        account_id=event.account_id,
        ticket_id=event.ticket_id,
        seq=event.seq,
        version=event.ticket.version,
        type=event.type,
        actor=event.actor,
        cause=event.cause,
        at=event.time,
        recorded_at=recorded_at,
        data=event.model_dump(mode="json", exclude=_ENVELOPE),
    )


def _told(message: Message, event: _OfMessage) -> Message:
    if isinstance(event, TicketMessageRedacted):
        return redacted(message, event)
    if isinstance(event, TicketMessageCompleted):
        return message if message.parse_error is None else message.model_copy(update={"parse_error": None})
    if isinstance(event, TicketMessageAdded):
        return message if message.seq is not None else message.model_copy(update={"seq": event.message_seq})
    if not advances(message.delivery, event.state, event.reason):
        return message
    return message.model_copy(update={"delivery": Delivery(state=event.state, reason=event.reason)})


def _complete(event: Event, messages: Mapping[str, Message]) -> Event | None:
    if not isinstance(event, OutboundMessageRequested):
        return event
    message = messages.get(event.message_id)
    complete = filled(event, message) if message is not None else None
    if complete is None:
        logger.error("outbound_message_withheld", message_id=event.message_id, ticket_id=event.ticket_id)
    return complete
