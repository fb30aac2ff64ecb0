"""Mail made to stall or break parsers: the limits stop most of it, the timeout the rest (S4, I6)."""

import random
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest_email.parsing import quotes
from ingest_email.parsing.model import ParsedMail
from ingest_email.parsing.outline import MAX_DEPTH, MAX_PARTS, OverLimit, check, measure
from ingest_email.parsing.parse import parse
from ingest_email.parsing.parser_pool import ParserPool
from ingest_email.parsing.parser_process import Unparsed
from ingest_email.parsing.parser_worker import answer_to

HEAD = b"From: jane@customer.example\r\nMessage-ID: <1@customer.example>\r\n"
MULTIPART = HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"


def text(body: str) -> bytes:
    """A plain mail."""
    return HEAD + b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + body.encode()


def page(html: str) -> bytes:
    """A mail of HTML."""
    return HEAD + b"Content-Type: text/html; charset=utf-8\r\n\r\n" + html.encode()


def nested(count: int, declaration: bytes = b"boundary=b%d") -> bytes:
    """Multiparts in multiparts."""
    level = b"Content-Type: multipart/mixed; " + declaration + b"\r\n\r\n--b%d\r\n"
    return HEAD + b"".join(level % (number, number) for number in range(count)) + b"\r\nhi"


MEASURED = {
    "email_reply_parser: On, line by line": text("On\n" * 2000),
    "mail-parser-reply: On and 8,000 spaces": text("On" + " " * 8000),
    "mail-parser-reply: On and 50,000 spaces": text("On" + " " * 50_000),
    "attributions that never end": text(("On 1 " + "wrote " * 40 + "\n") * 300),
    "nh3: 20,000 nested": page("<div>" * 20_000),
    "nh3: 100,000 nested": page("<div>" * 100_000),
    "nh3: formatting without end": page("<b><i><u><s><tt>" * 90 + "<p>x" * 20_000),
    "email: 1,000 nested multiparts": nested(1000),
    "email: To with 5,000 parentheses": b"To: " + b"(" * 5000 + b"\r\n" + HEAD + b"\r\nhi",
    "email: Subject with 20,000 encoded words": b"Subject: " + b"=?utf-8?q?a?= " * 20_000 + b"\r\n" + HEAD + b"\r\nhi",
    "email: Subject with 4,000 encoded words": b"Subject: " + b"=?utf-8?q?a?= " * 4000 + b"\r\n" + HEAD + b"\r\nhi",
    "email: To with 20,000 addresses": b"To: " + b"a@b.example, " * 20_000 + b"\r\n" + HEAD + b"\r\nhi",
    "email: To with 4,500 addresses": b"To: " + b"a@b.example, " * 4500 + b"\r\n" + HEAD + b"\r\nhi",
    "email: 50,000 empty parts": MULTIPART + b"--b\r\n" * 50_000,
    "email: forwarded 300 times": HEAD + b"Content-Type: message/rfc822\r\n\r\n" * 300 + b"hi",
    "a parameter in 50,000 pieces": MULTIPART
    + b"--b\r\nContent-Disposition: attachment;"
    + b" filename*0*=a;" * 50_000,
    "fields of a thousand parts": MULTIPART
    + (b"--b\r\nContent-Type: text/plain;" + b" name*0*=a;" * 300 + b"\r\n\r\nx\r\n") * 900,
    "charset that is none": HEAD + b"Content-Type: text/plain; charset=quoted-printable\r\n\r\nHello",
    "charset punycode": HEAD + b"Content-Type: text/plain; charset=punycode\r\n\r\n" + b"a" * 1_000_000,
    "megabytes without a line end": HEAD + b"\r\n" + b"x" * 5_000_000,
    "every byte there is": bytes(range(256)) * 4000,
}


@pytest.mark.parametrize("raw", MEASURED.values(), ids=MEASURED.keys())
def test_measured_stalls_end_quickly(raw: bytes) -> None:
    """Each input that was measured to stall a parser for seconds is bounded by the limits alone."""
    began = time.process_time()
    answer_to(raw, "jane@customer.example")

    assert time.process_time() - began < 2


SLOW_WITHIN_THE_LIMITS = {
    "boundaries the outline cannot read": nested(1000, b"boundary*=utf-8''b%d"),
    "nh3: a megabyte of ampersands": page("&" * 990_000),
}


async def test_what_passes_the_limits_is_killed_while_other_mail_flows() -> None:
    """Between mails that stall it, the pool parses every ordinary one (I6)."""
    pool = ParserPool(workers=1, timeout_seconds=0.7, memory_bytes=1024**3)
    await pool.start()
    try:
        stalled, ordinary = [], []
        for raw in SLOW_WITHIN_THE_LIMITS.values():
            stalled.append(await pool.parse(raw, envelope_sender=""))
            ordinary.append(await pool.parse(text("hello"), envelope_sender=""))
    finally:
        await pool.stop()

    assert all(isinstance(answer, Unparsed) for answer in stalled), stalled
    assert all(isinstance(answer, ParsedMail) and answer.body.text == "hello" for answer in ordinary)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"X: " + b"x" * 70_000 + b"\r\n\r\nhi", "header_block_over_limit"),
        (MULTIPART + b"--b\r\n" * (MAX_PARTS + 1), "parts_over_limit"),
        (nested(MAX_DEPTH + 1), "depth_over_limit"),
    ],
)
def test_limits_say_which_one_it_was(raw: bytes, code: str) -> None:
    """The parse error of the message names the limit."""
    with pytest.raises(OverLimit) as refused:
        check(raw)

    assert refused.value.code == code


def test_limits_are_no_lower_than_they_say() -> None:
    """Mail at the limits is parsed; text that only talks about boundaries is not counted."""
    check(MULTIPART + b"--b\r\n" * MAX_PARTS)
    check(nested(MAX_DEPTH))
    talk = measure(text('The header said boundary="x" and then\n-- \nJane\n' * 500))

    assert talk.depth == 0
    assert parse(nested(MAX_DEPTH), envelope_sender="").body.text == "hi"


def test_quotes_stay_linear() -> None:
    """Twice the text takes about twice the time, also on the worst text we know."""

    def seconds(lines: int) -> float:
        body = ("> " * 100 + "From: 1 schrieb am wrote a écrit\n") * lines
        began = time.process_time()
        quotes.split(body)
        return time.process_time() - began

    short, long = min(seconds(40) for _ in range(3)), min(seconds(160) for _ in range(3))

    assert long < max(short, 0.001) * 12


CORPUS = sorted((Path(__file__).parent / "mails").glob("*.eml"))
_STANDARD_LIBRARY = find_spec("test.test_email")
if _STANDARD_LIBRARY is not None and _STANDARD_LIBRARY.origin is not None:
    # Mails by which the standard library tests itself; not every distribution ships them.
    CORPUS += sorted(Path(_STANDARD_LIBRARY.origin).parent.glob("data/msg_*.txt"))
TOKENS = [
    b"\r\n",
    b"\n",
    b"\r",
    b"\r\n\r\n",
    b"--",
    b"--alt",
    b"--mix--",
    b"boundary=",
    b"=?utf-8?b?",
    b"?=",
    b"\0",
    b"\xff",
]
TOKENS += [
    b"Content-Type: ",
    b"message/rfc822",
    b"charset=utf-16",
    b"charset=",
    b"base64",
    b"<div>",
    b"<!--",
    b'"',
    b";",
    b"((",
]


MUTATIONS = given(st.sampled_from(CORPUS), st.integers(0, 2**32 - 1), st.integers(1, 30))


@settings(max_examples=200)
@MUTATIONS
def test_mutated_mail_never_fails_but_by_a_limit(path: Path, seed: int, count: int) -> None:
    """Real mail with bytes cut, doubled, swapped and sprinkled with syntax parses to something an event can hold."""
    _survives(path, seed, count)


@pytest.mark.laws
@pytest.mark.timeout(300)
@settings(max_examples=5000)
@MUTATIONS
def test_thousands_of_mutated_mails_never_fail_but_by_a_limit(path: Path, seed: int, count: int) -> None:
    """The same, of so many that rare ones are among them."""
    _survives(path, seed, count)


def _survives(path: Path, seed: int, count: int) -> None:
    raw = _mutated(bytearray(path.read_bytes()), random.Random(seed), count)  # noqa: S311 - a test that can be repeated

    try:
        seen = parse(raw, envelope_sender="jane@customer.example")
    except OverLimit:
        return

    for value in (seen.head.subject, seen.body.text, seen.body.html, seen.body.quoted_text):
        assert value is None or value.encode().decode() == value
    assert [file.size for file in seen.body.files] == [len(content) for content in seen.contents]


def _mutated(raw: bytearray, rng: random.Random, count: int) -> bytes:
    def insert(at: int) -> None:
        raw[at:at] = rng.choice(TOKENS)

    def cut(at: int) -> None:
        del raw[at : at + rng.randint(1, 40)]

    def double(at: int) -> None:
        raw[at:at] = raw[at : at + rng.randint(1, 200)]

    def flip(at: int) -> None:
        raw[at : at + 1] = bytes([rng.randrange(256)])

    changes: list[Callable[[int], None]] = [insert, cut, double, flip]
    for _ in range(count):
        rng.choice(changes)(rng.randint(0, len(raw)))
    return bytes(raw)
