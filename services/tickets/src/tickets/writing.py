"""Agents writing: replies to the customer, and notes that never leave (W5)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from contracts.ids import new_id
from contracts.outbound import MailThreading
from service_kit.auth import Principal
from service_kit.clock import Clock
from service_kit.docstore import Page
from service_kit.problem import Problem
from tickets.agent_directory import AgentLookup
from tickets.attachments import Attachments, NewAttachment
from tickets.contact_model import Contact
from tickets.contact_store import ContactStore
from tickets.conversation import added
from tickets.desk import Desk
from tickets.mail_ids import SignedIds
from tickets.message_store import MessageStore
from tickets.model import Delivery, Message, Ticket
from tickets.outgoing import mail_threading, own_mail_id, refusal, sent
from tickets.ticket_problems import no_such


@dataclass(frozen=True, slots=True)
class Draft:
    """What an agent wrote."""

    text: str
    html: str | None = None
    attachments: Sequence[NewAttachment] = ()


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

    async def page(self, ticket: Ticket, *, limit: int, cursor: str | None) -> Page[Message]:
        """Messages of a ticket: the newest first pages, oldest first within one."""
        page = await self._messages.page(ticket.id, limit=limit, cursor=cursor)
        return Page(list(reversed(page.items)), page.next_cursor)

    async def reply(self, principal: Principal, ticket_id: str, draft: Draft, expected: int | None) -> Message:
        """Answer the customer, on the channel and at the address they wrote from last.

        Raises:
            Problem: there is no such ticket, it changed meanwhile (412), or nothing may be sent (409).
        """
        ticket = await self._desk.load(principal.account_id, ticket_id)
        contact = await self._contacts.get(principal.account_id, ticket.contact_id)
        if contact is None:
            raise no_such("contact")
        _require_sendable(ticket, contact, draft.text)
        message_id = new_id("msg")
        mail = mail_threading(ticket, message_id, self._signed)
        message = await self._message(principal, ticket, message_id, draft, mail)

        def edit(current: Ticket) -> Ticket:
            _require_sendable(current, contact, draft.text)
            now = self._clock.now()
            return sent(current, message, purpose="reply", mail=mail, cause=message.author.kind, now=now)

        return await self._store(message, edit, expected)

    async def note(self, principal: Principal, ticket_id: str, text: str, expected: int | None) -> Message:
        """Add an internal note: the only thing said about it is that the thread has one more message."""
        await self._desk.load(principal.account_id, ticket_id)
        message = Message(
            id=new_id("msg"),
            account_id=principal.account_id,
            ticket_id=ticket_id,
            kind="note",
            author=principal.actor,
            author_name=await self._author_name(principal),
            text=text,
            created_at=self._clock.now(),
        )

        def edit(current: Ticket) -> Ticket:
            return added(current, message, cause=message.author.kind, now=self._clock.now())

        return await self._store(message, edit, expected)

    async def attachment(self, ticket: Ticket, message_id: str, attachment_id: str) -> tuple[str, str, bytes]:
        """Name, type and bytes of a file of one of the ticket's messages.

        Raises:
            Problem: there is no such file.
        """
        message = (await self._messages.get_many([message_id])).get(message_id)
        files = message.attachments if message is not None and message.ticket_id == ticket.id else ()
        for file in files:
            if file.id == attachment_id:
                return file.name, file.content_type, await self._attachments.read(file)
        raise no_such("attachment")

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
            created_at=self._clock.now(),
        )

    async def _store(self, message: Message, edit: Callable[[Ticket], Ticket], expected: int | None) -> Message:
        """The message before the ticket that counts it; one that the ticket refused is taken away again."""
        [stored] = (await self._messages.insert([message])).done
        try:
            ticket = await self._desk.change(message.account_id, str(message.ticket_id), edit, expected=expected)
        except Problem:
            await self._messages.delete([stored])
            raise
        place = {"seq": ticket.next_seq - 1}
        return (await self._messages.get_many([message.id])).get(message.id, stored).model_copy(update=place)

    async def _author_name(self, principal: Principal) -> str | None:
        if principal.agent_id is None:
            return None
        return (await self._agents.names(principal.account_id, [principal.agent_id])).get(principal.agent_id)


def _require_sendable(ticket: Ticket, contact: Contact, text: str) -> None:
    refused = refusal(ticket, contact, text)
    if refused is not None:
        raise Problem(422 if refused.code == "text_too_long" else 409, refused.code, refused.detail)
