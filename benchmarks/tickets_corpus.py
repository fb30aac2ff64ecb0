"""What an inbox of some years holds: the same tickets, messages and contacts for the same seed. Pure.

All belong to one account, which is the hard case for an index that an account leads. Nine in ten tickets are closed;
words are as unevenly frequent as in a language, so that searches meet words of nearly every ticket and of hardly any.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import accumulate

from contracts.ids import derive_id
from contracts.people import Actor, Channel
from contracts.tickets import Priority, Status
from service_kit.docstore.tokens import document_tokens
from tickets.contacts.contact_model import Contact
from tickets.ticket.mail_ids import scoped
from tickets.ticket.model import Correspondence, Delivery, Message, Ticket
from tickets.writing.conversation import MAX_SEARCH_TOKENS

ACCOUNT = "acc_bench"
AGENTS = tuple(f"agt_bench{number:02}" for number in range(40))
BUSIEST = AGENTS[0]
"""Has so many tickets, and tags are so few, that a page of either is full from ten thousand tickets on."""
TEAMS = tuple(f"tea_bench{number}" for number in range(8))
TAGS = tuple(f"tag{number}" for number in range(16))
MESSAGES_PER_TICKET = 5

_SHAPE = 2
"""Counts up when the same ingredients would make other documents."""
_ASSIGNEES = (*AGENTS, *(BUSIEST,) * 9)
_SEQUENCE = range(1, MESSAGES_PER_TICKET + 1)
_TICKETS_PER_CONTACT = 4
_WORDS_PER_MESSAGE = 30
_SUPPORT = "support@bench.example"
_VOCABULARY = 30_000
_SAID_IN_ALL = 200_000
_SYLLABLES = [f"{consonant}{vowel}" for consonant in "bcdfglmnr" for vowel in "aeio"]
_CHANNELS: tuple[Channel, ...] = ("email",) * 6 + ("sms",) * 3 + ("web_chat",)
_STATUSES: tuple[Status, ...] = ("open",) * 8 + ("snoozed",) * 2 + ("closed",) * 90
_PRIORITIES: tuple[Priority, ...] = ("normal",) * 16 + ("low", "low", "high", "urgent")
_AGE = timedelta(days=730)


@dataclass(frozen=True, slots=True)
class Identity:
    """What is a conversation's own, however many say the same: ids, number, customer, times; `tokens` find it by these.

    No time is a whole second: all are as long when they are written down.
    """

    number: int
    customer: int
    ticket_id: str
    message_ids: tuple[str, ...]
    created_at: datetime
    updated_at: datetime
    tokens: tuple[str, ...]

    def written_at(self, seq: int) -> datetime:
        """When its message of this place was written."""
        return self.created_at + timedelta(minutes=seq)


@dataclass(frozen=True, slots=True)
class Conversation:
    """A ticket with its messages."""

    ticket: Ticket
    messages: Sequence[Message]


def vocabulary() -> list[str]:
    """The words, the most frequent first."""
    rng = random.Random(1)  # noqa: S311 - the same words each time are what is wanted
    words = dict.fromkeys("".join(rng.choices(_SYLLABLES, k=rng.randint(2, 5))) for _ in range(3 * _VOCABULARY))
    return list(words)[:_VOCABULARY]


@dataclass(slots=True)
class Corpus:
    """So many conversations, the last of them just now.

    What they say comes again after so many; who said it, and when, does not.
    """

    count: int
    now: datetime
    seed: int = 1
    repeats_after: int = 10_000
    words: list[str] = field(default_factory=vocabulary)
    _said: list[str] = field(init=False)

    def __post_init__(self) -> None:
        """Say much, by Zipf's law, a little flattened at its top: every text is a stretch of it."""
        rng = random.Random(self.seed)  # noqa: S311 - as above
        weights = list(accumulate(1 / (rank + 5) for rank in range(len(self.words))))
        self._said = rng.choices(self.words, cum_weights=weights, k=_SAID_IN_ALL)

    @property
    def ingredients(self) -> dict[str, int]:
        """What it is made of: two with the same differ only in when they were made."""
        return {
            "shape": _SHAPE,
            "tickets": self.count,
            "seed": self.seed,
            "repeats_after": self.repeats_after,
            "vocabulary": len(self.words),
            "messages_per_ticket": MESSAGES_PER_TICKET,
            "words_per_message": _WORDS_PER_MESSAGE,
            "tickets_per_contact": _TICKETS_PER_CONTACT,
        }

    @property
    def contacts(self) -> int:
        """How many customers there are."""
        return max(1, self.count // _TICKETS_PER_CONTACT)

    def contact(self, number: int) -> Contact:
        """One customer."""
        name, email, phone = f"Customer {number}", email_of(number), phone_of(number)
        return Contact(
            id=contact_id(number),
            account_id=ACCOUNT,
            version=1,
            name=name,
            emails=(email,),
            phones=(phone,),
            search_tokens=tuple(document_tokens(name, email, phone)),
            created_at=self.now - _AGE,
            updated_at=self.now - _AGE,
        )

    def slot(self, number: int) -> int:
        """Conversations of the same slot say the same; it is the number of the first of them."""
        return (number - 1) % self.repeats_after + 1

    def identity(self, number: int) -> Identity:
        """What tells a conversation from others of its slot."""
        rng = random.Random(f"{self.seed}/when/{self.slot(number)}")  # noqa: S311 - as above
        whole = (self.now - _AGE * ((self.count - number) / self.count)).replace(microsecond=0)
        updated = whole - timedelta(microseconds=rng.randrange(1, 10**6))
        ticket_id = derive_id("tic", "bench", str(number))
        customer = number % self.contacts
        called = (str(number), f"Customer {customer}", email_of(customer), phone_of(customer))
        return Identity(
            number=number,
            customer=customer,
            ticket_id=ticket_id,
            message_ids=tuple(derive_id("msg", ticket_id, str(seq)) for seq in _SEQUENCE),
            created_at=updated - timedelta(hours=rng.randint(1, 72)),
            updated_at=updated,
            tokens=tuple(document_tokens(*called)),
        )

    def conversation(self, number: int) -> Conversation:
        """One ticket and its messages; `number` is from 1."""
        one, rng = self.identity(number), random.Random(f"{self.seed}/what/{self.slot(number)}")  # noqa: S311 - as above
        status = rng.choice(_STATUSES)
        assignee = rng.choice(_ASSIGNEES) if status == "closed" or rng.random() < 0.6 else None  # noqa: PLR2004 - most are
        subject, *texts = (self._text(rng, words) for words in (5, *(_WORDS_PER_MESSAGE,) * MESSAGES_PER_TICKET))
        tokens = dict.fromkeys((*one.tokens, *subject.split(), *(word for text in texts for word in text.split())))
        email = email_of(one.customer)
        ticket = Ticket(
            id=one.ticket_id,
            rev=1,
            account_id=ACCOUNT,
            number=number,
            thread_key=f"bench/{number}",
            channel=rng.choice(_CHANNELS),
            subject=subject,
            status=status,
            snoozed_until=self.now + timedelta(days=1) if status == "snoozed" else None,
            closed_at=one.updated_at if status == "closed" else None,
            assignee_id=assignee,
            team_id=rng.choice(TEAMS),
            contact_id=contact_id(one.customer),
            correspondence=Correspondence(ours=_SUPPORT, theirs=email, contact_key=email),
            tags=tuple(rng.sample(TAGS, k=rng.randint(0, 3))),
            priority=rng.choice(_PRIORITIES),
            version=8,
            next_seq=MESSAGES_PER_TICKET + 1,
            event_seq=8,
            cycle_opened_at=one.created_at,
            last_inbound_at=one.updated_at,
            last_public_by="customer",
            read_by=tuple(rng.sample(AGENTS, k=2)) if rng.random() < 0.7 else (),  # noqa: PLR2004 - most are read
            search_tokens=tuple(tokens)[:MAX_SEARCH_TOKENS],
            created_at=one.created_at,
            updated_at=one.updated_at,
        )
        return Conversation(
            ticket, [_message(ticket, one, seq, text) for seq, text in zip(_SEQUENCE, texts, strict=True)]
        )

    def _text(self, rng: random.Random, words: int) -> str:
        start = rng.randrange(_SAID_IN_ALL - words)
        return " ".join(self._said[start : start + words])


def _message(ticket: Ticket, one: Identity, seq: int, text: str) -> Message:
    is_ours = seq % 2 == 0
    message_id = one.message_ids[seq - 1]
    return Message(
        id=message_id,
        rev=1,
        account_id=ACCOUNT,
        ticket_id=ticket.id,
        verdict=None if is_ours else "appended",
        seq=seq,
        kind="outbound" if is_ours else "inbound",
        author=Actor(kind="agent", id=AGENTS[0]) if is_ours else Actor(kind="customer", id=ticket.contact_id),
        text=text,
        mail_id=scoped(ACCOUNT, f"{message_id}@people.example") if ticket.channel == "email" else None,
        delivery=Delivery(state="sent") if is_ours else None,
        created_at=one.written_at(seq),
    )


def contact_id(number: int) -> str:
    """The id of one customer."""
    return derive_id("con", "bench", str(number))


def email_of(number: int) -> str:
    """The address of one customer."""
    return f"customer{number}@people.example"


def phone_of(number: int) -> str:
    """The telephone number of one customer."""
    return f"+1202{number:07}"
