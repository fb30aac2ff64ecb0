"""Rows of conversations, made of the rows of one that says the same: with other ids, numbers and times in their place.

To make a document, check it and write it down costs ten times as much, and there are millions. Whoever changes what a
conversation is made of need not come here: what is its own is found in its rows, wherever it stands.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from benchmarks.tickets_corpus import Conversation, Identity, contact_id, email_of
from service_kit.docstore.sqlite_table import Lists, Row, Table

_MICROSECONDS = 26
"""So many characters of a moment are the same in all forms in which it is written down; the rest is its zone."""


@dataclass(frozen=True, slots=True)
class _Stencil:
    """A row, and which of the texts that are a conversation's own stand in its texts."""

    row: Row
    in_body: tuple[int, ...]
    in_lists: tuple[int, ...]
    in_columns: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, row: Row, own: Sequence[str]) -> "_Stencil":
        columns = [(at, value) for at, value in enumerate(row.scalars) if isinstance(value, str)]
        return cls(
            row=row,
            in_body=tuple(number for number, text in enumerate(own) if text in row.body),
            in_lists=tuple(number for number, text in enumerate(own) if text in row.lists_text),
            in_columns=tuple((at, number) for at, value in columns for number, text in enumerate(own) if text in value),
        )

    def filled(self, row_id: str, before: Sequence[str], after: Sequence[str], lists: Lists) -> Row:
        body, scalars, lists_text = self.row.body, list(self.row.scalars), self.row.lists_text
        for number in self.in_body:
            body = body.replace(before[number], after[number])
        for number in self.in_lists:
            lists_text = lists_text.replace(before[number], after[number])
        for at, number in self.in_columns:
            scalars[at] = str(scalars[at]).replace(before[number], after[number])
        return Row(row_id, self.row.rev, body, tuple(scalars), lists, lists_text)


class Slot:
    """One conversation's rows, and those of all others that say the same."""

    def __init__(self, first: Identity, said: Conversation, tickets: Table[Any], messages: Table[Any]) -> None:
        self._first = first
        self._own = _texts(first)
        self._number_at = tickets.fields.scalars.index("number")
        self._tokens_at = tickets.fields.lists.index("search_tokens")
        row = tickets.row(said.ticket, 1)
        self.words = row.lists[self._tokens_at] - frozenset(first.tokens)
        listed = [sorted(terms) for terms in row.lists]
        listed[self._tokens_at] = [*first.tokens, *sorted(self.words)]
        whole = replace(row, lists_text=_json(listed))  # its own words side by side, so that they are found
        self._ticket = _Stencil.of(whole, self._own)
        self._messages = [_Stencil.of(messages.row(message, 1), self._own) for message in said.messages]

    def ticket(self, one: Identity) -> tuple[Row, Lists]:
        """The ticket's row, and its entries in lists but for the words that all of the slot have."""
        lists = list(self._ticket.row.lists)
        lists[self._tokens_at] = frozenset(one.tokens)
        own = tuple(lists)
        lists[self._tokens_at] = self.words | own[self._tokens_at]
        row = self._ticket.filled(one.ticket_id, self._own, _texts(one), tuple(lists))
        scalars = (*row.scalars[: self._number_at], one.number, *row.scalars[self._number_at + 1 :])
        return replace(row, scalars=scalars), own

    def messages(self, one: Identity) -> Iterator[tuple[Row, Lists]]:
        """The messages' rows, and their entries in lists."""
        texts = _texts(one)
        for stencil, before, after in zip(self._messages, self._first.message_ids, one.message_ids, strict=True):
            lists = tuple(frozenset(term.replace(before, after) for term in terms) for terms in stencil.row.lists)
            yield stencil.filled(after, self._own, texts, lists), lists


def _texts(one: Identity) -> tuple[str, ...]:
    """All that is its own, as it is written down; none begins another one, nor is a part of it."""
    moments = (one.created_at, one.updated_at, *(one.written_at(seq + 1) for seq in range(len(one.message_ids))))
    return (
        _json(one.tokens)[1:-1],
        one.ticket_id,
        *one.message_ids,
        contact_id(one.customer),
        f'"number":{one.number},',
        f"bench/{one.number}",
        email_of(one.customer),
        *map(_written, moments),
    )


def _json(texts: Sequence[Any]) -> str:
    return json.dumps(texts, separators=(",", ":"))


def _written(moment: datetime) -> str:
    return moment.isoformat()[:_MICROSECONDS]
