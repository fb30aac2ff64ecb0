"""What customers write in a benchmark: the same N messages for the same seed. Pure but for the moment passed in.

Two in five open a thread; the others reply in one that an earlier message opened. Channels as in the demonstration:
half mail, three in ten SMS, two in ten chat.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from contracts.ids import derive_id
from contracts.inbound import ChatDetails, InboundMessageReceived, MailHeaders, SmsDetails
from contracts.people import Channel, Party

SUPPORT_ADDRESS = "support@bench.example"
SUPPORT_NUMBER = "+12025550199"

_CHANNELS: tuple[Channel, ...] = ("email",) * 5 + ("sms",) * 3 + ("web_chat",) * 2
_NEW_THREADS = 0.4
_WORDS_OF: dict[Channel, tuple[int, int]] = {"email": (60, 180), "sms": (6, 25), "web_chat": (4, 18)}
_VOCABULARY = 3_000
_SYLLABLES = (
    "ar",
    "be",
    "cu",
    "do",
    "el",
    "fi",
    "ga",
    "hu",
    "in",
    "jo",
    "ka",
    "lu",
    "mi",
    "no",
    "or",
    "pe",
    "ri",
    "su",
)


@dataclass(slots=True)
class _Thread:
    """A conversation of one customer, and the Message-IDs in it."""

    number: int
    channel: Channel
    mails: list[str]


def messages(account_id: str, count: int, *, seed: int, now: datetime) -> Iterator[InboundMessageReceived]:
    """`count` messages in the order in which they arrive, a millisecond apart, the last of them `now`."""
    rng = random.Random(seed)  # noqa: S311 - the same traffic each time is what is wanted
    words = _words(rng)
    threads: dict[Channel, list[_Thread]] = {"email": [], "sms": [], "web_chat": []}
    for index in range(count):
        channel = rng.choice(_CHANNELS)
        known = threads[channel]
        if not known or rng.random() < _NEW_THREADS:
            known.append(_Thread(index, channel, []))
            thread = known[-1]
        else:
            thread = rng.choice(known)
        text = " ".join(rng.choice(words) for _ in range(rng.randint(*_WORDS_OF[channel])))
        yield _message(account_id, thread, index, f"{seed}", text, now - timedelta(milliseconds=count - 1 - index))


def _message(account_id: str, thread: _Thread, index: int, run: str, text: str, at: datetime) -> InboundMessageReceived:
    provider_id = f"{index}.{run}@bench.example"
    mail = _mail(thread, provider_id) if thread.channel == "email" else None
    sender = _sender(thread, run)
    conversation_id = f"cnv_{run}_{thread.number}"
    return InboundMessageReceived(
        id=derive_id("dlv", account_id, provider_id),
        account_id=account_id,
        time=at,
        message_id=derive_id("msg", account_id, provider_id),
        provider_message_id=provider_id,
        channel=thread.channel,
        contact_key=sender.email or sender.phone or conversation_id,
        sender=sender,
        recipient={"email": SUPPORT_ADDRESS, "sms": SUPPORT_NUMBER, "web_chat": "chat"}[thread.channel],
        subject=text[:60] if mail else None,
        text=text,
        html=f"<div><p>{text}</p></div>" if mail and index % 2 else None,
        sent_at=at,
        received_at=at,
        mail=mail,
        sms=SmsDetails(number=SUPPORT_NUMBER, segments=1) if thread.channel == "sms" else None,
        chat=ChatDetails(conversation_id=conversation_id, conversation_seq=index + 1)
        if thread.channel == "web_chat"
        else None,
    )


def _mail(thread: _Thread, message_id: str) -> MailHeaders:
    """The headers a mail program writes when it replies."""
    before = tuple(thread.mails)
    thread.mails.append(message_id)
    return MailHeaders(message_id=message_id, in_reply_to=before[-1:], references=before[-20:], to=(SUPPORT_ADDRESS,))


def _sender(thread: _Thread, run: str) -> Party:
    match thread.channel:
        case "email":
            return Party(name=f"Customer {thread.number}", email=f"c{thread.number}.{run}@customers.example")
        case "sms":
            return Party(phone=f"+1202{(int(run) * 100_000 + thread.number) % 10_000_000:07d}")
        case _:
            return Party(visitor_id=f"vis_{run}_{thread.number}")


def _words(rng: random.Random) -> list[str]:
    return ["".join(rng.choice(_SYLLABLES) for _ in range(rng.randint(2, 4))) for _ in range(_VOCABULARY)]
