"""What happens in a conversation: begun, written to, answered, closed, followed up."""

from collections.abc import Callable
from datetime import timedelta

from contracts.deliveries import DeliveryState, DeliveryUpdated
from contracts.ids import derive_id, new_id
from contracts.inbound import ContactProfileGiven
from contracts.outbound import OutboundMessageRequested
from contracts.settings import ChatSettings
from service_kit.bus import Bus
from service_kit.clock import Clock
from service_kit.docstore import Fate
from service_kit.errors import TransientError
from service_kit.outbox import Outbox, with_events
from service_kit.settings_area import SettingsArea
from service_kit.timers import Due, without_due
from webchat_gateway.conversation_changes import answered, delivered, received
from webchat_gateway.fan_out import FanOut
from webchat_gateway.follow_up import FOLLOW_UP, follow_up_mail, is_wanted
from webchat_gateway.model import Author, ChatMessage, Conversation
from webchat_gateway.store import ChatStore, message_id

_ROUNDS = 50


class ChatWorkflow:
    """The sequencer of conversations; every method may be repeated to the same effect."""

    def __init__(
        self,
        store: ChatStore,
        settings: SettingsArea[ChatSettings],
        said: Outbox[ChatMessage],
        followed: Outbox[Conversation],
        bus: Bus,
        fan_out: FanOut,
        clock: Clock,
    ) -> None:
        self._store = store
        self._settings = settings
        self._said = said
        self._followed = followed
        self._bus = bus
        self._fan_out = fan_out
        self._clock = clock

    async def begin(self, account_id: str, *, after: Conversation | None = None) -> Conversation:
        """A new conversation; of the same visitor, and linked, when one went before."""
        conversation = Conversation(
            id=new_id("cnv"),
            account_id=account_id,
            visitor_id=after.visitor_id if after else new_id("vis"),
            follow_up_of=after.id if after else None,
            name=after.name if after else None,
            email=after.email if after else None,
            created_at=self._clock.now(),
        )
        await self._store.add_conversation(conversation)
        return conversation

    async def say(self, conversation: Conversation, client_id: str, text: str) -> int:
        """A visitor's message; its number, once the bus has it.

        Raises:
            Unavailable: it is not safe; the visitor must send it again under the same `client_id`.
        """
        stored = await self._append(conversation, client_id, "visitor", text)
        await self._said.publish([stored])
        await self._fan_out.nudge(conversation.id)
        return stored.seq

    async def give_profile(self, conversation: Conversation, name: str | None, email: str | None) -> None:
        """Keep what the visitor said of themselves, and tell tickets."""
        await self._change(
            conversation.id, lambda one: one.model_copy(update={"name": name or one.name, "email": email or one.email})
        )
        now = self._clock.now()
        event = ContactProfileGiven(
            id=new_id("evt"),
            account_id=conversation.account_id,
            time=now,
            contact_key=conversation.visitor_id,
            conversation_id=conversation.id,
            visitor_id=conversation.visitor_id,
            name=name,
            email=email,
        )
        await self._bus.publish([event])

    async def answer(self, request: OutboundMessageRequested) -> None:
        """A reply or an automatic text for the visitor: into the thread, once, and to every open socket."""
        conversation = await self._store.conversation(request.conversation_id or "")
        if conversation is None or conversation.account_id != request.account_id:
            await self._report(request, "failed", "the conversation is unknown")
            return
        author: Author = "agent" if request.purpose == "reply" else "system"
        stored = await self._append(conversation, request.message_id, author, request.text)
        settings = await self._settings.get(conversation.account_id)
        wait = timedelta(seconds=settings.follow_up_after_seconds)
        await self._change(conversation.id, lambda one: answered(one, stored, wait))
        await self._fan_out.nudge(conversation.id)
        await self._report(request, "sent", None)

    async def belongs_to(self, conversation_id: str, ticket_id: str) -> None:
        """The conversation became this ticket."""
        await self._change(conversation_id, lambda one: one.model_copy(update={"ticket_id": ticket_id}))

    async def close(self, ticket_id: str) -> None:
        """The ticket was closed: the conversation is over; the next message starts another (W2)."""
        conversation = await self._store.of_ticket(ticket_id)
        if conversation is not None:
            await self._change(conversation.id, lambda one: one.model_copy(update={"closed": True}))
            await self._fan_out.nudge(conversation.id)

    async def delivered(self, conversation_id: str, seq: int) -> None:
        """A socket was given everything up to `seq`; what the visitor has seen needs no follow-up."""
        await self._change(conversation_id, lambda one: delivered(one, seq))

    async def follow_up(self, conversation: Conversation, _due: Due) -> None:
        """One mail with what was missed, if the visitor did not come back (W4)."""
        settings = await self._settings.get(conversation.account_id)
        quiet = without_due(conversation, FOLLOW_UP)
        if is_wanted(conversation, settings):
            now = self._clock.now()
            missed = await self._store.after(conversation.id, conversation.delivered_seq)
            mail = follow_up_mail(conversation, [one for one in missed if one.author != "visitor"], settings, now)
            quiet = with_events(quiet.model_copy(update={"followed_up": True}), [mail], now)
        stored = await self._store.replace(quiet)
        if stored is not None:
            await self._followed.publish([stored])

    async def _append(self, conversation: Conversation, client_key: str, author: Author, text: str) -> ChatMessage:
        """Give the message the next number; one that was sent before keeps the number it has."""
        for _ in range(_ROUNDS):
            known = await self._store.named(conversation.id, client_key)
            if known is not None:
                return known
            seq = await self._store.last_seq(conversation.id) + 1
            fresh = self._message(conversation, seq, client_key, author, text)
            if await self._store.insert(fresh) is Fate.DONE:
                return fresh.model_copy(update={"rev": 1})
        raise TransientError(f"conversation {conversation.id} is too busy")

    def _message(self, conversation: Conversation, seq: int, client_key: str, author: Author, text: str) -> ChatMessage:
        now = self._clock.now()
        fresh = ChatMessage(
            id=message_id(conversation.id, seq),
            account_id=conversation.account_id,
            conversation_id=conversation.id,
            client_key=client_key,
            seq=seq,
            author=author,
            text=text,
            at=now,
        )
        if author != "visitor":
            return fresh
        return with_events(fresh, [received(conversation, fresh)], now)

    async def _change(self, conversation_id: str, change: Callable[[Conversation], Conversation]) -> None:
        for _ in range(_ROUNDS):
            conversation = await self._store.conversation(conversation_id)
            if conversation is None or (changed := change(conversation)) == conversation:
                return
            if await self._store.replace(changed) is not None:
                return
        raise TransientError(f"conversation {conversation_id} kept changing under us")

    async def _report(self, request: OutboundMessageRequested, state: DeliveryState, reason: str | None) -> None:
        event = DeliveryUpdated(
            id=derive_id("evt", request.message_id, state),
            account_id=request.account_id,
            time=self._clock.now(),
            subject_id=request.ticket_id or request.message_id,
            delivery_id=derive_id("del", request.message_id),
            message_id=request.message_id,
            ticket_id=request.ticket_id,
            channel="web_chat",
            state=state,
            reason=reason,
        )
        await self._bus.publish([event])
