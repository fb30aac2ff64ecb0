"""What went out: every reply left, once unless it says otherwise, and no note ever did. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from faults.history import Channel, History, Written
from faults.observation import Observation
from faults.widget import Thread


@dataclass(frozen=True, slots=True)
class _Departure:
    """One text that left. `identity` is what the receiver can tell it by, where there is such a thing."""

    channel: Channel
    to: str
    text: str
    identity: str = ""


def outbound_violations(history: History, seen: Observation) -> Iterator[str]:
    """What was promised to agents and is not so."""
    left = list(_departures(seen))
    for written in history.written:
        if written.kind == "note":
            yield from _leak(written, left, seen)
        else:
            yield from _reply(written, [one for one in left if written.marker in one.text], seen)
        yield from _thread(written, seen)
    yield from _widgets(seen)
    yield from _hooks(seen)


def _departures(seen: Observation) -> Iterator[_Departure]:
    for mail in seen.mails:
        yield _Departure("email", ", ".join(mail.recipients), f"{mail.subject}\n{mail.text}", mail.message_id)
    for sms in seen.texts:
        yield _Departure("sms", sms.recipient, sms.text)
    for _, whole in seen.threads:
        for _, text in whole.lines.values():
            yield _Departure("web_chat", whole.conversation_id, text)


def _leak(note: Written, left: Sequence[_Departure], seen: Observation) -> Iterator[str]:
    for departure in left:
        if note.marker in departure.text:
            yield f"the note {note.marker} of ticket {note.ticket_id} left by {departure.channel} to {departure.to}"
    for shown, _ in seen.threads:
        if any(note.marker in text for _, text in shown.lines.values()):
            yield f"the note {note.marker} of ticket {note.ticket_id} was shown in chat {shown.conversation_id}"
    for call in seen.hooks:
        if note.marker in call.body:
            yield f"the note {note.marker} of ticket {note.ticket_id} left by the webhook {call.webhook_id}"


def _reply(reply: Written, found: Sequence[_Departure], seen: Observation) -> Iterator[str]:
    name = f"reply {reply.marker} of ticket {reply.ticket_id}"
    ticket = seen.tickets.get(reply.ticket_id)
    if reply.fate == "answered" and not found:
        yield f"{name} was taken and never left"
    if reply.fate == "refused" and found:
        yield f"{name} was refused and left all the same"
    for one in found:
        if one.channel != reply.channel:
            yield f"{name} left by {one.channel}, and the ticket is of {reply.channel}"
        elif ticket is not None and ticket.customer not in {None, one.to}:
            yield f"{name} went to {one.to}, and the ticket is of {ticket.customer}"
    if len(found) > 1:
        yield from _doubled(reply, name, found, seen)


def _doubled(reply: Written, name: str, found: Sequence[_Departure], seen: Observation) -> Iterator[str]:
    """Twice is allowed only where the other side cannot tell, under one identity, and if it is said (I8)."""
    ids = _message_ids(reply, seen)
    if reply.channel == "web_chat" or len({one.identity for one in found}) > 1 or len(ids) > 1:
        yield f"{name} left {len(found)} times, as {sorted(ids)}"
    elif all(seen.deliveries.get(message_id) != "uncertain" for message_id in ids):
        yield f"{name} left {len(found)} times, and nobody says that this is uncertain"


def _message_ids(written: Written, seen: Observation) -> set[str]:
    messages = seen.messages.get(written.ticket_id, [])
    return {message.id for message in messages if written.marker in message.text}


def _thread(written: Written, seen: Observation) -> Iterator[str]:
    """What was taken stands in the ticket once, under the id that was told; what was refused does not."""
    name = f"{written.kind} {written.marker}"
    ids = _message_ids(written, seen)
    if written.fate == "answered" and ids != {written.message_id}:
        yield f"{name} was taken as {written.message_id}, and ticket {written.ticket_id} has {sorted(ids)}"
    if written.fate == "refused" and ids:
        yield f"{name} was refused, and ticket {written.ticket_id} has {sorted(ids)}"
    if written.fate == "unknown" and len(ids) > 1:
        yield f"{name} was written once, and ticket {written.ticket_id} has {sorted(ids)}"


def _widgets(seen: Observation) -> Iterator[str]:
    """After coming back a widget shows exactly the server's thread (W1), which has no gap and repeats nothing."""
    for shown, whole in seen.threads:
        name = f"chat {whole.conversation_id}"
        if shown.lines != whole.lines:
            yield f"{name}: the widget shows {_difference(shown, whole)} differently from the server"
        if sorted(whole.lines) != list(range(1, len(whole.lines) + 1)):
            yield f"{name} is numbered {sorted(whole.lines)}"
        greetings = [text for author, text in whole.lines.values() if author == "system"]
        if len(set(greetings)) != len(greetings):
            yield f"{name} was told the same automatic text {len(greetings)} times"


def _difference(shown: Thread, whole: Thread) -> list[int]:
    return sorted(
        seq for seq in shown.lines.keys() | whole.lines.keys() if shown.lines.get(seq) != whole.lines.get(seq)
    )


def _hooks(seen: Observation) -> Iterator[str]:
    """Every message that joined a thread was told to the webhook, at least once."""
    told = {(call.ticket_id, call.message_id) for call in seen.hooks}
    for ticket_id, messages in seen.messages.items():
        for message in messages:
            if (ticket_id, message.id) not in told:
                yield f"the webhook was never told of message {message.id} in ticket {ticket_id}"
