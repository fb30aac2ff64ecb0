"""Answering a ticket with a macro: filled in, sent, and its actions carried out in the same write (N2)."""

from collections.abc import Mapping
from dataclasses import dataclass

from service_kit.auth import Principal
from service_kit.problem import Problem
from tickets.life.ticket_edits import TicketEdits
from tickets.macros.macro_actions import Standing, edit_of, standing
from tickets.macros.macro_facts import MacroFactsReader
from tickets.macros.macro_language import MacroFlaw, MissingVariables, read
from tickets.macros.macro_store import MacroStore
from tickets.macros.macro_values import Value
from tickets.macros.macro_variables import values
from tickets.macros.macros import Macro
from tickets.ticket.desk import Desk
from tickets.ticket.model import Message, Ticket
from tickets.ticket.ticket_problems import no_such, require_unmerged
from tickets.writing.writing import Draft, Writing


@dataclass(frozen=True, slots=True)
class MacroPreview:
    """What a macro would say and do; `before` and `after` are how the ticket stands without and with it."""

    text: str
    html: str | None
    before: Standing
    after: Standing


class MacroUse:
    """Macros, used on tickets."""

    def __init__(
        self, desk: Desk, macros: MacroStore, facts: MacroFactsReader, edits: TicketEdits, writing: Writing
    ) -> None:
        self._desk = desk
        self._macros = macros
        self._facts = facts
        self._edits = edits
        self._writing = writing

    async def preview(self, principal: Principal, ticket_id: str, macro_id: str) -> MacroPreview:
        """What the macro would say and do now.

        Raises:
            Problem: there is no such ticket or macro, a variable has no value, or an action cannot be done.
        """
        ticket, macro = await self._load(principal, ticket_id, macro_id)
        require_unmerged(ticket)
        edit = await edit_of(self._edits, principal, macro.actions)
        text, html = await self._filled(principal, ticket, macro)
        return MacroPreview(text, html, standing(ticket), standing(edit(ticket)))

    async def reply(
        self,
        principal: Principal,
        ticket_id: str,
        macro_id: str,
        edited: Draft,
        *,
        expected: int | None,
        request_id: str | None,
    ) -> Message:
        """Answer with the macro, or with its `edited` text if there is one, and do what it does.

        The same `request_id` again is the same reply, done once.

        Raises:
            Problem: as for a preview and a reply; then nothing was sent, and nothing done.
        """
        earlier = await self._writing.earlier(request_id)
        if earlier is not None:
            return earlier
        ticket, macro = await self._load(principal, ticket_id, macro_id)
        then = await edit_of(self._edits, principal, macro.actions)
        text, html = edited.text, edited.html
        if not text:
            text, html = await self._filled(principal, ticket, macro)
        draft = Draft(text, html, edited.attachments, macro_id=macro.id)
        return await self._writing.reply(
            principal, ticket_id, draft, expected=expected, request_id=request_id, then=then
        )

    async def _load(self, principal: Principal, ticket_id: str, macro_id: str) -> tuple[Ticket, Macro]:
        ticket = await self._desk.load(principal.account_id, ticket_id)
        macro = await self._macros.find(principal.account_id, macro_id)
        if macro is None:
            raise no_such("macro")
        return ticket, macro

    async def _filled(self, principal: Principal, ticket: Ticket, macro: Macro) -> tuple[str, str | None]:
        """The text, and the HTML where it is of use: in mail."""
        known = values(await self._facts.read(principal, ticket))
        missing: set[str] = set()
        text, html = _rendered(macro.text, known, missing, is_html=False), None
        if macro.html is not None and ticket.channel == "email":
            html = _rendered(macro.html, known, missing, is_html=True)
        if missing:
            detail = f"These have no value here: {', '.join(sorted(missing))}."
            raise Problem(422, "missing_variables", detail, missing=sorted(missing))
        if not text.strip():
            raise Problem(422, "macro_empty", "The macro says nothing here: write the text yourself.")
        return text, html


def _rendered(source: str, known: Mapping[str, Mapping[str, Value]], missing: set[str], *, is_html: bool) -> str:
    """The source filled in; what has no value is added to `missing`."""
    try:
        return read(source, is_html=is_html).rendered(known)
    except MissingVariables as error:
        missing.update(error.names)
        return ""
    except MacroFlaw as error:
        raise Problem(422, "macro_failed", f"The macro cannot be filled in here: {error}.") from error
