"""What happens in a conversation: begun, written to, answered, closed, followed up."""

from collections.abc import Callable
from datetime import timedelta

from opentelemetry.trace import SpanKind

from contracts.deliveries import DeliveryState, DeliveryUpdated
from contracts.ids import derive_id, new_id
from contracts.outbound import OutboundMessageRequested
from contracts.settings import ChatSettings
from contracts.tickets import TicketFacts
from service_kit.bus import Bus
from service_kit.clock import Clock
from service_kit.errors import TransientError
from service_kit.fan_out import FanOut
from service_kit.outbox import Outbox, with_events
from service_kit.settings_area import SettingsArea
from service_kit.timers import Due, without_due
from service_kit.tracing import work_span
from webchat_gateway.conversation_changes import answered, delivered, doubted, ended, following, fresh, owned, profiled
from webchat_gateway.follow_up import FOLLOW_UP, follow_up_mail, is_wanted
from webchat_gateway.inbound import profile_given
from webchat_gateway.model import Author, Conversation
from webchat_gateway.sequencer import Sequencer
from webchat_gateway.store import ChatStore

_ROUNDS = 50


class ConversationContended(TransientError):
    """Others kept changing the conversation in between."""


class ChatWorkflow:
    """What visitors, tickets and time do to conversations; every method may be repeated to the same effect."""

    def __init__(
        self,
        store: ChatStore,
        settings: SettingsArea[ChatSettings],
        sequencer: Sequencer,
        told: Outbox[Conversation],
        bus: Bus,
        fan_out: FanOut,
        clock: Clock,
    ) -> None:
        self._store = store
        self._settings = settings
        self._sequencer = sequencer
        self._told = told
        self._bus = bus
        self._fan_out = fan_out
        self._clock = clock

    async def resume(self, account_id: str, conversation_id: str | None) -> Conversation:
        """The conversation a token names, else a new one. It is stored with its first message: most never get one."""
        known = await self._store.conversation(conversation_id) if conversation_id else None
        return known or fresh(account_id, conversation_id or new_id("cnv"), self._clock.now())

    async def follow(self, conversation: Conversation, name: str | None) -> Conversation:
        """Another conversation of the same visitor; the same one for the same `name` of the wish."""
        following_id = derive_id("cnv", conversation.id, "new", name) if name else new_id("cnv")
        return await self._begin_after(conversation, following_id)

    async def say(self, conversation: Conversation, client_id: str, text: str) -> tuple[Conversation, int]:
        """A visitor's message: where it went, and its number there, once the bus has it.

        Where the conversation is over it begins the one that follows (W2), which is the same one for every socket and
        every repetition.

        Raises:
            Unavailable: it is not safe; the visitor must send it again under the same `client_id`.
        """
        with work_span("accept chat message", kind=SpanKind.SERVER):
            return await self._say(conversation, client_id, text)

    async def _say(self, conversation: Conversation, client_id: str, text: str) -> tuple[Conversation, int]:
        current = await self._store.conversation(conversation.id) or await self._store.keep(conversation)
        while current.closed and not await self._sequencer.knows(current, client_id):
            current = await self._begin_after(current, derive_id("cnv", current.id, "closed"))
        seq = await self._sequencer.take(current, client_id, text)
        await self._fan_out.nudge(current.id)
        return current, seq

    async def give_profile(self, conversation: Conversation, name: str | None, email: str | None) -> None:
        """Keep what the visitor said of themselves, and tell tickets."""
        current = await self._store.conversation(conversation.id) or await self._store.keep(conversation)
        now, event_id = self._clock.now(), new_id("evt")

        def tell(one: Conversation) -> Conversation:
            known = profiled(one, name, email)
            return with_events(known, [profile_given(known, event_id, now)], now)

        await self._told.publish([await self._change(current, tell)])

    async def answer(self, request: OutboundMessageRequested) -> None:
        """A reply or an automatic text for the visitor: into the thread, once, and to every open socket."""
        conversation = await self._store.conversation(request.conversation_id or "")
        if conversation is None or conversation.account_id != request.account_id:
            await self._report(request, "failed", "the conversation is unknown")
            return
        if conversation.is_erased:
            await self._report(request, "failed", "the conversation was erased")
            return
        author: Author = "agent" if request.purpose == "reply" else "system"
        message = await self._sequencer.put(conversation, request.message_id, author, request.text)
        settings = await self._settings.get(conversation.account_id)
        wait = timedelta(seconds=settings.follow_up_after_seconds)
        await self._change(conversation, lambda one: answered(one, message, wait))
        await self._fan_out.nudge(conversation.id)
        await self._report(request, "sent", None)

    async def belongs_to(self, conversation_id: str, account_id: str, ticket: TicketFacts) -> None:
        """The conversation became this ticket."""
        conversation = await self._store.conversation(conversation_id)
        if conversation is not None and conversation.account_id == account_id:
            await self._change(conversation, lambda one: owned(one, ticket.id, ticket.created_at))

    async def close(self, account_id: str, ticket_id: str) -> None:
        """The ticket was closed: the conversation is over; the next message starts another (W2)."""
        conversation = await self._store.of_ticket(account_id, ticket_id)
        if conversation is not None:
            await self._change(conversation, lambda one: ended(one, ticket_id))
            await self._fan_out.nudge(conversation.id)

    async def delivered(self, conversation: Conversation, seq: int) -> None:
        """A socket was given everything up to `seq`; what the visitor has seen needs no follow-up."""
        await self._change(conversation, lambda one: delivered(one, seq))

    async def doubt(self, conversation_id: str, sure_seq: int) -> None:
        """A socket broke without a farewell; what it was given behind `sure_seq` may not have arrived (W4).

        The visitor has as long to come back as for a new reply. Other sockets that show it say so when nudged.
        """
        conversation = await self._store.conversation(conversation_id)
        if conversation is None or conversation.delivered_seq <= sure_seq:
            return
        settings = await self._settings.get(conversation.account_id)
        due_at = self._clock.now() + timedelta(seconds=settings.follow_up_after_seconds)
        await self._change(conversation, lambda one: doubted(one, sure_seq, due_at))
        await self._fan_out.nudge(conversation_id)

    async def follow_up(self, conversation: Conversation, _due: Due) -> None:
        """One mail with what was missed, if the visitor did not come back (W4)."""
        settings = await self._settings.get(conversation.account_id)
        quiet = without_due(conversation, FOLLOW_UP)
        if is_wanted(conversation, settings):
            now = self._clock.now()
            missed = await self._store.after(conversation.id, conversation.delivered_seq)
            mail = follow_up_mail(conversation, missed, settings, now)
            quiet = with_events(quiet.model_copy(update={"followed_up": True}), [mail], now)
        stored = await self._store.replace(quiet)
        if stored is not None:  # else somebody changed it, perhaps the visitor who came back: it is looked at again
            await self._told.publish([stored])

    async def _begin_after(self, conversation: Conversation, following_id: str) -> Conversation:
        spoken = await self._store.newest(conversation.id) is not None
        return await self._store.keep(following(conversation, following_id, spoken=spoken, now=self._clock.now()))

    async def _change(self, conversation: Conversation, change: Callable[[Conversation], Conversation]) -> Conversation:
        """The conversation as stored after `change`, which may be asked again when others write meanwhile."""
        for _ in range(_ROUNDS):
            if (changed := change(conversation)) == conversation:
                return conversation
            if (stored := await self._store.replace(changed)) is not None:
                return stored
            conversation = await self._store.conversation(conversation.id) or conversation
        raise ConversationContended(f"conversation {conversation.id} kept changing under us")

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
