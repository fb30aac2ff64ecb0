"""Agents writing: replies to the customer, and notes that never leave (W5)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from contracts.ids import derive_id, new_id
from contracts.outbound import MailThreading
from service_kit.auth import Principal
from service_kit.clock import Clock
from service_kit.problem import Problem
from tickets.contacts.contact_model import Contact
from tickets.contacts.contact_store import ContactStore
from tickets.mentions.mentions import telling
from tickets.people.agent_directory import AgentLookup
from tickets.ticket.desk import Desk, Edit
from tickets.ticket.mail_ids import SignedIds
from tickets.ticket.message_store import MessageStore
from tickets.ticket.model import Delivery, Message, Ticket
from tickets.ticket.ticket_events import counts
from tickets.ticket.ticket_problems import no_such, require_unmerged
from tickets.writing.attachments import Attachments, NewAttachment
from tickets.writing.conversation import added
from tickets.writing.missed_messages import with_missed_messages
from tickets.writing.outgoing import mail_threading, own_mail_id, refusal, sent


@dataclass(frozen=True, slots=True)
class Draft:
    """What an agent wrote."""

    text: str
    html: str | None = None
    attachments: Sequence[NewAttachment] = ()
    macro_id: str | None = None


class Writing:
    """Messages of agents."""

    def __init__(
        self,
        desk: Desk,
        messages: MessageStore,
        contacts: ContactStore,
        agents: AgentLookup,
        attachments: Attachments,
        signed: SignedIds,
        clock: Clock,
    ) -> None:
        self._desk = desk
        self._messages = messages
        self._contacts = contacts
        self._agents = agents
        self._attachments = attachments
        self._signed = signed
        self._clock = clock

    async def reply(
        self,
        principal: Principal,
        ticket_id: str,
        draft: Draft,
        *,
        expected: int | None,
        request_id: str | None,
        then: Edit | None = None,
    ) -> Message:
        """Answer the customer, on the channel and at the address they wrote from last.

        The same `request_id` again is the same reply, also if nothing more may be sent by now. What is done with the
        ticket `then` is written with the reply, or neither is.

        Raises:
            Problem: there is no such ticket, it changed meanwhile (412), or nothing may be sent (409).
        """
        ticket = await self._desk.load(principal.account_id, ticket_id)
        contact = await self._contacts.get(principal.account_id, ticket.contact_id)
        if contact is None:
            raise no_such("contact")
        message_id = _message_id(request_id)
        if request_id is not None and (earlier := await self._earlier(message_id)) is not None:
            return earlier
        _require_sendable(ticket, contact, draft)
        mail = mail_threading(ticket, message_id, self._signed)
        message = await self._message(principal, ticket, message_id, draft, mail)

        def edit(current: Ticket) -> Ticket:
            _require_sendable(current, contact, draft)
            now = self._clock.now()
            answered = sent(current, message, purpose="reply", mail=mail, cause=message.author.kind, now=now)
            return answered if then is None else then(answered)

        return await self._store(message, edit, expected)

    async def earlier(self, request_id: str | None) -> Message | None:
        """The reply that an earlier attempt at the same request made, if it did."""
        return await self._earlier(_message_id(request_id)) if request_id is not None else None

    async def note(
        self,
        principal: Principal,
        ticket_id: str,
        text: str,
        *,
        mentions: tuple[str, ...] = (),
        expected: int | None,
        request_id: str | None,
    ) -> Message:
        """Add an internal note: all that is said of it is that the thread has one more, and whom it mentions (N3)."""
        await self._desk.load(principal.account_id, ticket_id)
        message = Message(
            id=_message_id(request_id),
            account_id=principal.account_id,
            ticket_id=ticket_id,
            kind="note",
            author=principal.actor,
            author_name=await self._author_name(principal),
            text=text,
            mentions=mentions,
            created_at=self._clock.now(),
        )

        def edit(current: Ticket) -> Ticket:
            require_unmerged(current)
            now = self._clock.now()
            return telling(added(current, message, cause=message.author.kind, now=now), message, now)

        return await self._store(message, edit, expected)

    async def _message(
        self, principal: Principal, ticket: Ticket, message_id: str, draft: Draft, mail: MailThreading | None
    ) -> Message:
        return Message(
            id=message_id,
            account_id=principal.account_id,
            ticket_id=ticket.id,
            kind="outbound",
            author=principal.actor,
            author_name=await self._author_name(principal),
            text=draft.text,
            html=draft.html,
            attachments=await self._attachments.keep(principal.account_id, draft.attachments),
            mail_id=own_mail_id(ticket, mail),
            delivery=Delivery(state="queued"),
            macro_id=draft.macro_id,
            created_at=self._clock.now(),
        )

    async def _store(self, message: Message, edit: Callable[[Ticket], Ticket], expected: int | None) -> Message:
        """Store the message, then the ticket that counts it.

        A message that the ticket refuses is taken away again. One that is there already comes from the same request,
        carried out again after a crash: if its ticket counts it, nothing is left to do.
        """
        is_repeated = bool((await self._messages.insert([message])).lost)
        if is_repeated and await self._is_counted(message):
            return await self._shown(message)
        try:
            ticket = await self._desk.change(message.account_id, str(message.ticket_id), edit, expected=expected)
        except Problem as problem:
            await self._messages.delete([await self._shown(message)])
            raise await with_missed_messages(problem, self._messages) from None
        return (await self._shown(message)).model_copy(update={"seq": ticket.next_seq - 1})

    async def _earlier(self, message_id: str) -> Message | None:
        """The message that an earlier attempt at the same request added to its ticket."""
        message = (await self._messages.get_many([message_id])).get(message_id)
        if message is None or not await self._is_counted(message):
            return None
        return await self._shown(message)

    async def _is_counted(self, message: Message) -> bool:
        """Whether the ticket counts the message; what it has not told yet is told now."""
        ticket = await self._desk.load(message.account_id, str(message.ticket_id))
        if counts(ticket, message.id):
            await self._desk.publish([ticket])
            return True
        # Read after the ticket: what has left its outbox by then has given the message its place.
        return (await self._shown(message)).seq is not None

    async def _shown(self, message: Message) -> Message:
        """The message as it is stored by now."""
        return (await self._messages.get_many([message.id])).get(message.id, message)

    async def _author_name(self, principal: Principal) -> str | None:
        if principal.agent_id is None:
            return None
        return (await self._agents.names(principal.account_id, [principal.agent_id])).get(principal.agent_id)


def _message_id(request_id: str | None) -> str:
    return derive_id("msg", request_id) if request_id else new_id("msg")


def _require_sendable(ticket: Ticket, contact: Contact, draft: Draft) -> None:
    require_unmerged(ticket)
    refused = refusal(ticket, contact, draft.text, draft.html)
    if refused is not None:
        raise Problem(422 if refused.code == "text_too_long" else 409, refused.code, refused.detail)
