"""Which ticket a mail belongs to: the matcher, in the order of X2, with the participant check of X3. Pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from contracts.inbound import MailHeaders
from tickets.ticket.mail_ids import SignedIds, clean_ids, scoped
from tickets.ticket.model import Message, Ticket

MAX_REFERENCES = 100
"""Only the newest are looked at; a longer chain is padding."""


@dataclass(frozen=True, slots=True)
class Matched:
    """The mail belongs to this ticket."""

    ticket_id: str
    rule: str


@dataclass(frozen=True, slots=True)
class Suspected:
    """The mail points to this ticket, but its sender takes no part there: it opens another one, linked."""

    ticket_id: str
    rule: str


@dataclass(frozen=True, slots=True)
class Unmatched:
    """Nothing points to a ticket."""

    rule: str = "new_thread"


ThreadMatch = Matched | Suspected | Unmatched


@dataclass(frozen=True, slots=True)
class Clue:
    """One thing a mail says about its ticket. `is_signed`: only we can have written it."""

    rule: str
    ticket_ids: tuple[str, ...]
    is_signed: bool = False


@dataclass(frozen=True, slots=True)
class KnownMails:
    """Stored mails by scoped Message-ID: the tickets that hold a mail of that id, and those that only refer to it."""

    holders: dict[str, list[str]] = field(default_factory=dict)
    referrers: dict[str, list[str]] = field(default_factory=dict)

    def add(self, message: Message) -> None:
        """Take a stored or just planned message into account."""
        if message.ticket_id is None:
            return
        if message.mail_id is not None:
            _note(self.holders, message.mail_id, message.ticket_id)
        for mail_id in message.mail_references:
            _note(self.referrers, mail_id, message.ticket_id)


def references(mail: MailHeaders) -> tuple[str, ...]:
    """What the mail refers to, newest first."""
    return clean_ids(reversed(mail.references))[:MAX_REFERENCES]


def all_ids(mail: MailHeaders) -> tuple[str, ...]:
    """Every Message-ID the mail names."""
    return clean_ids((mail.message_id, *mail.in_reply_to[:MAX_REFERENCES], *references(mail)))


def clues(account_id: str, mail: MailHeaders, known: KnownMails, signed: SignedIds) -> Iterator[Clue]:
    """What the mail says about its ticket, the most trustworthy first."""
    if (ticket_id := signed.read_token(account_id, mail.reply_token)) is not None:
        yield Clue("signed_address", (ticket_id,), is_signed=True)
    in_reply_to, refers_to = clean_ids(mail.in_reply_to[:MAX_REFERENCES]), references(mail)
    for mail_id in (*in_reply_to, *refers_to):
        if (own := signed.read_message_id(account_id, mail_id)) is not None:
            yield Clue("signed_message_id", (own.ticket_id,), is_signed=True)
    yield from _looked_up("references", account_id, refers_to, known.holders)
    yield from _looked_up("in_reply_to", account_id, in_reply_to, known.holders)
    yield from _looked_up("overtaken", account_id, clean_ids((mail.message_id,)), known.referrers)
    yield from _looked_up("shared_reference", account_id, (*refers_to, *in_reply_to), known.referrers)


def match(
    found: Iterable[Clue],
    tickets: Mapping[str, Ticket],
    *,
    contact_id: str,
    email: str | None,
    is_bounce: bool,
    merged: Collection[str] = (),
) -> ThreadMatch:
    """The first clue to a ticket in which the sender takes part; else the first clue, as a suspicion.

    A clue to a ticket that is not among `tickets` says nothing. A bounce is sent by a mail server, which never
    takes part: there a signed clue is enough (X7). `merged` are other contacts that the sender is as well.
    """
    suspicion: ThreadMatch = Unmatched()
    for clue in found:
        for ticket_id in clue.ticket_ids:
            if (ticket := tickets.get(ticket_id)) is None:
                continue
            is_own = ticket.contact_id in merged or takes_part(ticket, contact_id, email)
            if is_own or (is_bounce and clue.is_signed):
                return Matched(ticket_id, clue.rule)
            if isinstance(suspicion, Unmatched):
                suspicion = Suspected(ticket_id, clue.rule)
    return suspicion


def takes_part(ticket: Ticket, contact_id: str, email: str | None) -> bool:
    """Whether a sender belongs to the conversation: its customer, or somebody who was in copy (X3)."""
    return ticket.contact_id == contact_id or (email is not None and email in ticket.correspondence.cc)


def successor_id(ticket: Ticket) -> str | None:
    """Where a ticket's thread went: into the one it was merged into, else to the one that follows it."""
    return ticket.merged_into or ticket.continued_by


def _looked_up(rule: str, account_id: str, ids: Sequence[str], index: dict[str, list[str]]) -> Iterator[Clue]:
    for mail_id in ids:
        if ticket_ids := index.get(scoped(account_id, mail_id)):
            yield Clue(rule, tuple(ticket_ids))


def _note(index: dict[str, list[str]], mail_id: str, ticket_id: str) -> None:
    tickets = index.setdefault(mail_id, [])
    if ticket_id not in tickets:
        tickets.append(ticket_id)
