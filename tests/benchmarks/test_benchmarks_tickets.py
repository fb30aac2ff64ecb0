"""Reading an inbox: the made one is as the service would have stored it, and figures are judged at their limits."""

import random
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from benchmarks.progress import Progress
from benchmarks.tickets_cases import cases
from benchmarks.tickets_corpus import ACCOUNT, MESSAGES_PER_TICKET, Corpus, vocabulary
from benchmarks.tickets_figures import Reading, Taken, reading, reading_targets
from benchmarks.tickets_inbox import OtherInboxError, inbox_in
from benchmarks.tickets_seed import fill

from service_kit.docstore import All, Eq, Match, Sort
from service_kit.docstore.sqlite import SqliteDocStore
from tickets.contacts.contact_model import CONTACTS
from tickets.ticket.model import MESSAGES, TICKETS

NOW = datetime(2026, 11, 22, tzinfo=UTC)
COUNT = 60


@cache
def _words() -> list[str]:
    return vocabulary()


def _corpus(count: int = COUNT) -> Corpus:
    return Corpus(count, NOW, repeats_after=25, words=_words())


def test_the_same_inbox_each_time() -> None:
    """The same seed makes the same tickets, so that two runs measure the same."""
    first, second = _corpus(), _corpus()

    assert [first.conversation(n) for n in range(1, 6)] == [second.conversation(n) for n in range(1, 6)]


async def test_it_is_stored_as_the_service_would(tmp_path: Path) -> None:
    """Documents, indexes and search tokens of a filled file are those of one that was written through the store."""
    filled, written = tmp_path / "filled.sqlite", tmp_path / "written.sqlite"
    answers = []
    corpus = _corpus()
    for path in (filled, written):
        store = SqliteDocStore(path)
        tickets, messages, contacts = (store.collection(spec) for spec in (TICKETS, MESSAGES, CONTACTS))
        if path is filled:
            fill(path, corpus, lambda _: None)
        await store.start()
        if path is written:
            conversations = [corpus.conversation(number) for number in range(1, COUNT + 1)]
            await contacts.insert_many([corpus.contact(number) for number in range(corpus.contacts)])
            await tickets.insert_many([one.ticket for one in conversations])
            await messages.insert_many([message for one in conversations for message in one.messages])
        answers.append(await _read(tickets, messages, corpus))
        await store.stop()

    assert answers[0] == answers[1]
    assert len(answers[0][0]) == COUNT
    assert len(answers[0][1]) == MESSAGES_PER_TICKET


async def _read(tickets: Any, messages: Any, corpus: Corpus) -> tuple[Any, ...]:
    mine = All(Eq("account_id", ACCOUNT), Eq("hidden", value=False))
    page = await tickets.find(mine, sort=Sort("updated_at", descending=True), limit=COUNT)
    thread = await messages.find(Eq("ticket_id", page.items[0].id))
    found = [
        [one.id for one in (await tickets.find(All(mine, Match(word)), limit=COUNT)).items]
        for word in corpus.words[:200:20]
    ]
    return page.items, thread.items, found


def test_an_inbox_is_kept(tmp_path: Path) -> None:
    """What is whole is read again; what was interrupted is made anew, and nothing but what was asked for is read."""
    told: list[str] = []
    corpus = _corpus()
    (tmp_path / "tickets.sqlite").write_bytes(b"half of an inbox")
    made = inbox_in(tmp_path, corpus, told.append)
    before = list(told)
    kept = inbox_in(tmp_path, corpus, told.append)

    assert made == kept
    assert told == before != []
    with pytest.raises(OtherInboxError, match="61"):
        inbox_in(tmp_path, _corpus(COUNT + 1), told.append)


def test_an_inbox_of_other_fields_is_refused(tmp_path: Path) -> None:
    """To bring a million stored tickets up to other fields takes longer than to make them: whoever asks decides."""
    corpus = _corpus(4)
    inbox_in(tmp_path, corpus, lambda _: None)
    label = tmp_path / "made-of.json"
    label.write_text(label.read_text().replace('"urgency"', '"hurry"'))

    with pytest.raises(OtherInboxError, match="indexed"):
        inbox_in(tmp_path, corpus, lambda _: None)


def test_progress_says_what_is_left() -> None:
    """It tells some fifty times, the last time when all is done, and how long the rest takes at the pace so far."""
    seconds = iter(range(1_000))
    told: list[str] = []
    progress = Progress("tickets", 1_000, told.append, stopwatch=lambda: float(next(seconds)))
    for done in range(1, 1_001):
        progress.reached(done)

    assert told[1] == "tickets: 21 of 1,000, 93 s left"
    assert told[-1] == "tickets: 1,000 of 1,000"
    assert len(told) == 51


def test_each_case_asks_something() -> None:
    """Every case has a request of its own, and reads as many values by hand as it binds."""
    made = cases(_corpus())
    asks = [case.ask(random.Random(1)) for case in made]  # noqa: S311 - the same requests each time

    assert len({case.name for case in made}) == len(made)
    assert all(ask.sql.count("?") == len(ask.bound) for ask in asks)


def _reading(tickets: int, kind: Any, p95_ms: float) -> Reading:
    taken = Taken(items=[50], wall=[p95_ms / 1000], cpu=[0.001], floor=[0.001])
    return reading(tickets, f"a {kind}", kind, taken)


@pytest.mark.parametrize(
    ("kind", "p95_ms", "expected"),
    [("list", 25.0, True), ("list", 25.1, False), ("search", 50.0, True), ("search", 50.1, False)],
)
def test_aims_of_reading(kind: str, p95_ms: float, expected: bool) -> None:  # noqa: FBT001 - a column
    """The slowest case of each kind is what is judged."""
    [target] = reading_targets([_reading(10_000, kind, p95_ms), _reading(10_000, kind, 1.0)])

    assert target.is_met is expected


@pytest.mark.parametrize(("larger", "expected"), [(15.0, True), (15.1, False)])
def test_lists_must_be_flat(larger: float, expected: bool) -> None:  # noqa: FBT001 - a column
    """A list at the largest size may take half as much again as at the smallest."""
    targets = reading_targets([_reading(10_000, "list", 10.0), _reading(1_000_000, "list", larger)])

    assert targets[-1].is_met is expected
    assert "1,000,000" in targets[-1].what


def test_only_equal_pages_are_compared() -> None:
    """A page of ten items is cheaper than one of fifty, which says nothing about the size of the inbox."""
    short = _reading(10_000, "list", 1.0).model_copy(update={"items": 10.0})

    assert len(reading_targets([short, _reading(1_000_000, "list", 10.0)])) == 2
