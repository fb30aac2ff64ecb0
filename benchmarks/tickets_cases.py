"""What agents ask of an inbox all day, and the query by hand that reads the same rows. Pure."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.tickets_corpus import ACCOUNT, BUSIEST, TAGS, TEAMS, Corpus
from benchmarks.tickets_figures import Kind

ME = BUSIEST
Params = dict[str, str]

_OPEN = "FROM tickets d WHERE d.f_account_id = ? AND d.f_hidden = 0 AND d.f_status = 'open'"
_NEWEST = "ORDER BY d.f_updated_at DESC, d.id DESC LIMIT 51"
_MOST_URGENT = "ORDER BY d.f_urgency DESC, d.id DESC LIMIT 51"
_TOKENS = '"tickets__search_tokens"'


@dataclass(frozen=True, slots=True)
class Ask:
    """One request, and the same by hand: a statement and what is bound in it."""

    params: Params
    sql: str
    bound: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """A kind of request; `ask` draws one."""

    name: str
    kind: Kind
    path: str
    ask: Callable[[random.Random], Ask]


def cases(corpus: Corpus) -> Sequence[Case]:
    """Every case that is measured, but for pages deep in a list, whose cursor only the service knows."""
    words = corpus.words
    frequent, usual, rare = words[:20], words[300:2000], words[10_000:]
    return (
        _list("open, newest first", lambda _: ({}, _OPEN, ())),
        _list("My inbox", lambda _: ({"view": "mine"}, f"{_OPEN} AND d.f_assignee_id = ?", (ME,))),
        _list("Unassigned", lambda _: ({"view": "unassigned"}, f"{_OPEN} AND d.f_assignee_id IS NULL", ())),
        _list("a team", _of_team),
        _list("a tag", _of_tag),
        _list(
            "closed, oldest first",
            lambda _: ({"status": "closed", "sort": "created_at"}, _OPEN.replace("'open'", "'closed'"), ()),
            "ORDER BY d.f_created_at, d.id LIMIT 51",
        ),
        _list("by priority", lambda _: ({"sort": "-priority"}, _OPEN, ()), _MOST_URGENT),
        _list("SMS of any status", lambda _: ({"channel": "sms", "status": "any"}, _ALL_SMS, ())),
        Case("counts of all views", "counts", "/v1/tickets/counts", lambda _: _COUNTS),
        _search("a rare word", lambda rng: (rng.choice(rare),)),
        _search("a usual word", lambda rng: (rng.choice(usual),)),
        _search("a frequent word", lambda rng: (rng.choice(frequent),)),
        _search("the beginning of a word", lambda rng: (rng.choice(usual)[:4],)),
        _search("two usual words", lambda rng: tuple(rng.sample(usual, k=2))),
        _search("a frequent word and a rare one", lambda rng: (rng.choice(frequent), rng.choice(rare))),
        _search("a ticket number", lambda rng: (str(rng.randint(1, corpus.count)),)),
        _search("an address", lambda rng: (f"customer{rng.randrange(corpus.contacts)}@people.example",)),
    )


def _list(
    name: str, given: Callable[[random.Random], tuple[Params, str, tuple[str, ...]]], order: str = _NEWEST
) -> Case:
    def ask(rng: random.Random) -> Ask:
        params, source, bound = given(rng)
        return Ask(params, f"SELECT d.body {source} {order}", (ACCOUNT, *bound))

    return Case(name, "list", "/v1/tickets", ask)


_ALL_SMS = "FROM tickets d WHERE d.f_account_id = ? AND d.f_hidden = 0 AND d.f_channel = 'sms'"


def _of_team(rng: random.Random) -> tuple[Params, str, tuple[str, ...]]:
    team = rng.choice(TEAMS)
    return {"team": team}, f"{_OPEN} AND d.f_team_id = ?", (team,)


def _of_tag(rng: random.Random) -> tuple[Params, str, tuple[str, ...]]:
    tag = rng.choice(TAGS)
    holds = 'EXISTS (SELECT 1 FROM "tickets__tags" WHERE term = ? AND n = d.n)'
    return {"tag": tag}, f"{_OPEN} AND {holds}", (tag,)


_NARROWED = ("", "AND d.f_assignee_id IS NULL", "AND d.f_assignee_id = ?")
_EACH_COUNT = ", ".join(f"(SELECT count(*) FROM (SELECT 1 {_OPEN} {more} LIMIT 1001))" for more in _NARROWED)  # noqa: S608
_COUNTS = Ask({}, f"SELECT {_EACH_COUNT}", (ACCOUNT, ACCOUNT, ACCOUNT, ME))


def _search(name: str, words: Callable[[random.Random], tuple[str, ...]]) -> Case:
    """By hand: the rows of the first word that also hold the others, sorted. `status=any`: all tickets are searched."""

    def ask(rng: random.Random) -> Ask:
        asked = words(rng)
        held = f" AND EXISTS (SELECT 1 FROM {_TOKENS} o WHERE o.term = ? AND o.n = t.n)" * (len(asked) - 1)  # noqa: S608
        sql = (
            f"SELECT d.body FROM (SELECT DISTINCT n FROM {_TOKENS} t WHERE t.term >= ? AND t.term < ?{held}) f"  # noqa: S608
            f" JOIN tickets d ON d.n = f.n WHERE d.f_account_id = ? AND d.f_hidden = 0 {_NEWEST}"
        )
        first, *others = reversed(asked)
        return Ask({"q": " ".join(asked), "status": "any"}, sql, (first, first + "\U0010ffff", *others, ACCOUNT))

    return Case(name, "search", "/v1/tickets", ask)
