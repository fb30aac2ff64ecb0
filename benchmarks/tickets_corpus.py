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
from tickets.intake.mail_ids import scoped
from tickets.ticket.model import Correspondence, Delivery, Message, Ticket
from tickets.writing.conversation import MAX_SEARCH_TOKENS

ACCOUNT = "acc_bench"
AGENTS = tuple(f"agt_bench{number:02}" for number in range(40))
TEAMS = tuple(f"tea_bench{number}" for number in range(8))
TAGS = tuple(f"tag{number}" for number in range(40))
MESSAGES_PER_TICKET = 5

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
    """So many conversations, the last of them just now; to be asked for in order."""

    count: int
    now: datetime
    seed: int = 1
    words: list[str] = field(default_factory=vocabulary)
    _said: list[str] = field(init=False)
    _rng: random.Random = field(init=False)

    def __post_init__(self) -> None:
        """Say much, by Zipf's law, a little flattened at its top: every text is a stretch of it."""
        self._rng = random.Random(self.seed)  # noqa: S311 - as above
        weights = list(accumulate(1 / (rank + 5) for rank in range(len(self.words))))
        self._said = self._rng.choices(self.words, cum_weights=weights, k=_SAID_IN_ALL)

    @property
    def contacts(self) -> int:
        """How many customers there are."""
        return max(1, self.count // _TICKETS_PER_CONTACT)

    def contact(self, number: int) -> Contact:
        """One customer."""
        name, email, phone = f"Customer {number}", f"customer{number}@people.example", f"+1202{number:07}"
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

    def conversation(self, number: int) -> Conversation:
        """One ticket and its messages; `number` is from 1."""
        rng = self._rng
        ticket_id, customer = derive_id("tic", "bench", str(number)), rng.randrange(self.contacts)
        channel, status = rng.choice(_CHANNELS), rng.choice(_STATUSES)
        updated = self.now - _AGE * ((self.count - number) / self.count) - timedelta(microseconds=rng.randrange(10**6))
        created = updated - timedelta(hours=rng.randint(1, 72))
        assignee = rng.choice(AGENTS) if status == "closed" or rng.random() < 0.6 else None  # noqa: PLR2004 - most are
        subject, texts = self._text(5), [self._text(_WORDS_PER_MESSAGE) for _ in range(MESSAGES_PER_TICKET)]
        email, phone = f"customer{customer}@people.example", f"+1202{customer:07}"
        said = document_tokens(str(number), subject, f"Customer {customer}", email, phone)
        tokens = dict.fromkeys((*said, *(word for text in texts for word in text.split())))
        ticket = Ticket(
            id=ticket_id,
            rev=1,
            account_id=ACCOUNT,
            number=number,
            thread_key=f"bench/{number}",
            channel=channel,
            subject=subject,
            status=status,
            snoozed_until=self.now + timedelta(days=1) if status == "snoozed" else None,
            closed_at=updated if status == "closed" else None,
            assignee_id=assignee,
            team_id=rng.choice(TEAMS),
            contact_id=contact_id(customer),
            correspondence=Correspondence(ours=_SUPPORT, theirs=email, contact_key=email),
            tags=tuple(rng.sample(TAGS, k=rng.randint(0, 3))),
            priority=rng.choice(_PRIORITIES),
            version=8,
            next_seq=MESSAGES_PER_TICKET + 1,
            event_seq=8,
            cycle_opened_at=created,
            last_inbound_at=updated,
            last_public_by="customer",
            read_by=tuple(rng.sample(AGENTS, k=2)) if rng.random() < 0.7 else (),  # noqa: PLR2004 - most are read
            search_tokens=tuple(tokens)[:MAX_SEARCH_TOKENS],
            created_at=created,
            updated_at=updated,
        )
        return Conversation(ticket, [self._message(ticket, seq, text) for seq, text in enumerate(texts, 1)])

    def _message(self, ticket: Ticket, seq: int, text: str) -> Message:
        is_ours = seq % 2 == 0
        message_id = derive_id("msg", ticket.id, str(seq))
        mail_id = scoped(ACCOUNT, f"{message_id}@people.example") if ticket.channel == "email" else None
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
            mail_id=mail_id,
            delivery=Delivery(state="sent") if is_ours else None,
            created_at=ticket.created_at + timedelta(minutes=seq),
        )

    def _text(self, words: int) -> str:
        start = self._rng.randrange(_SAID_IN_ALL - words)
        return " ".join(self._said[start : start + words])


def contact_id(number: int) -> str:
    """The id of one customer."""
    return derive_id("con", "bench", str(number))
