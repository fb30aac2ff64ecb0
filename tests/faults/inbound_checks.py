"""What came in: nothing acknowledged is lost, nothing doubled, order is kept, each delivery has its verdict. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from itertools import pairwise

from faults.history import History, Inbound
from faults.observation import Observation, Verdict

_Places = Mapping[str, list[tuple[str, int]]]
"""Where each marker stands: tickets, and the place in the thread."""


def inbound_violations(history: History, seen: Observation) -> Iterator[str]:
    """What was promised to customers and is not so."""
    places = _places(history, seen)
    for message in history.inbound:
        yield from _lost_or_doubled(message, places)
    yield from _out_of_order(history, places)
    yield from _threads_torn_or_mixed(history, seen, places)
    yield from _verdicts(history, seen, places)


def _places(history: History, seen: Observation) -> _Places:
    """Inbound messages by marker. Whoever looks for each marker in each text waits for minutes."""
    markers = {message.marker for message in history.inbound}
    places = defaultdict(list)
    for ticket_id, messages in seen.messages.items():
        for message in messages:
            for word in message.text.replace(".", " ").split():
                if message.kind == "inbound" and word in markers:
                    places[word].append((ticket_id, message.seq or 0))
    return places


def _name(message: Inbound) -> str:
    return f"{message.channel} message {message.provider_message_id} of {message.customer}"


def _lost_or_doubled(message: Inbound, places: _Places) -> Iterator[str]:
    found = places.get(message.marker, [])
    if message.acknowledged and not found:
        yield f"{_name(message)} was acknowledged and is in no ticket"
    if len(found) > 1:
        yield f"{_name(message)} is there {len(found)} times: {found}"
    if len(message.chat_seqs) > 1:
        yield f"{_name(message)} was acknowledged under several numbers: {sorted(message.chat_seqs)}"


def _out_of_order(history: History, places: _Places) -> Iterator[str]:
    """Within a ticket a customer's messages stand as they were written."""
    written = defaultdict(list)
    for message in history.inbound:
        for ticket_id, seq in places.get(message.marker, [])[:1]:
            written[message.customer, ticket_id].append((message.place, seq, message))
    for (customer, ticket_id), rows in written.items():
        rows.sort(key=lambda row: row[0])
        for (_, earlier, _), (_, later, message) in pairwise(rows):
            if later <= earlier:
                yield f"{_name(message)} stands before an earlier one of {customer} in ticket {ticket_id}"


def _threads_torn_or_mixed(history: History, seen: Observation, places: _Places) -> Iterator[str]:
    """One mail thread, one number, one conversation: one ticket each, and no ticket with two of them."""
    tickets, threads = defaultdict(list), defaultdict(set)
    for message in sorted(history.inbound, key=lambda one: one.place):
        for ticket_id, _ in places.get(message.marker, []):
            tickets[message.channel, message.thread].append(ticket_id)
            threads[ticket_id].add((message.channel, message.thread))
    for (channel, thread), ids in tickets.items():
        steps = [(before, after) for before, after in pairwise(ids) if before != after]
        if any(channel != "web_chat" or not _follows(seen, after, before) for before, after in steps):
            yield f"{channel} thread {thread} is torn over the tickets {list(dict.fromkeys(ids))}"
    for ticket_id, mixed in threads.items():
        if len(mixed) > 1:
            yield f"ticket {ticket_id} mixes the threads {sorted(mixed)}"


def _follows(seen: Observation, after: str, before: str) -> bool:
    """A chat whose ticket an agent closes just then goes on as another ticket, which says so (W2)."""
    return seen.tickets[after].follow_up_of == before


def _verdicts(history: History, seen: Observation, places: _Places) -> Iterator[str]:
    """Each accepted delivery has exactly one verdict, and each message one that is not `duplicate` (I2)."""
    entries: defaultdict[tuple[str, str], list[Verdict]] = defaultdict(list)
    for entry in seen.ledger:
        entries[entry.channel, entry.provider_message_id].append(entry)
    for delivery_id, count in Counter(entry.delivery_id for entry in seen.ledger).items():
        if count > 1:
            yield f"delivery {delivery_id} has {count} verdicts"
    known = {entry.delivery_id for entry in seen.ledger}
    for message in history.inbound:
        for delivery_id in message.delivery_ids:
            if delivery_id not in known:
                yield f"{_name(message)} was accepted as {delivery_id}, which has no verdict"
        if message.acknowledged:
            found = entries[message.channel, message.provider_message_id]
            yield from _verdicts_of(message, found, {ticket_id for ticket_id, _ in places.get(message.marker, [])})


def _verdicts_of(message: Inbound, entries: list[Verdict], tickets: set[str]) -> Iterator[str]:
    first = [entry for entry in entries if entry.verdict != "duplicate"]
    if len(first) != 1:
        yield f"{_name(message)} has {len(first)} verdicts other than duplicate: {[one.verdict for one in first]}"
    # A widget that sends a message again adds to no delivery: the gateway knows the message by its name.
    fewest = 1 if message.channel == "web_chat" else message.acknowledged
    most = 1 if message.channel == "web_chat" else message.attempts
    if not fewest <= len(entries) <= most:
        yield f"{_name(message)} has {len(entries)} verdicts, not between {fewest} and {most}"
    for entry in entries:
        if entry.ticket_id not in tickets:
            yield f"{_name(message)} is in {sorted(tickets)}, its verdict {entry.delivery_id} says {entry.ticket_id}"
