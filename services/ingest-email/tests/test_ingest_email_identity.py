"""The identity of a mail (X4): the same for every copy, another for every other mail."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest_email.identity import message_id, provider_message_id
from ingest_email.parsing.headers import read_head

WORDS = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters='<>()",;:@\\[]=?'), min_size=1)
FIELDS = st.fixed_dictionaries(
    {
        "From": WORDS.map(lambda word: f"Jane <{word[:40]}@customer.example>"),
        "Subject": st.lists(WORDS, min_size=1, max_size=6).map(" ".join),
        "Date": st.integers(10, 28).map(lambda day: f"Tue, {day} Nov 2026 09:15:00 +0100"),
    }
)
WITH_ID = st.tuples(FIELDS, WORDS).map(lambda both: {**both[0], "Message-ID": f"<{both[1][:60]}@customer.example>"})


def write(fields: dict[str, str], body: str = "Hello\r\n", end: str = "\r\n") -> bytes:
    """The raw mail."""
    lines = [f"{name}: {value}" for name, value in fields.items()]
    return end.join([*lines, "", body]).encode()


def identity(raw: bytes, account_id: str = "acc_1") -> str:
    """The identity of a raw mail in an account."""
    return message_id(account_id, read_head(raw, envelope_sender="envelope@mx.example"))


@given(WITH_ID, st.randoms(use_true_random=False))
def test_copies_agree(fields: dict[str, str], rng: object) -> None:
    """Relays add and reorder fields, fold them, change line ends and the spelling of names: it stays the same mail."""
    shuffled = list(fields.items())
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    travelled = {"Received": "from a by b", **dict(shuffled), "X-Spam": "no", "To": "someone@else.example"}
    folded = re.sub(r"(?<=[!-~]) (?=[!-~])", "\r\n ", write(travelled).decode().split("\r\n\r\n")[0]) + "\r\n\r\nHello"

    original = identity(write(fields))

    assert identity(write(travelled)) == original
    assert identity(folded.encode()) == original
    assert identity(write(fields, end="\n")) == original
    assert identity(write({name.upper(): value for name, value in fields.items()})) == original


@given(WITH_ID, st.sampled_from(["From", "Subject", "Date", "Message-ID"]))
def test_each_part_counts(fields: dict[str, str], changed: str) -> None:
    """A forged Message-ID does not swallow the real mail: author, date and subject count as well."""
    other = {
        "From": "mallory@evil.example",
        "Subject": fields["Subject"] + " !",
        "Date": "Wed, 1 Jan 2025 00:00:00 +0000",
        "Message-ID": "<other@evil.example>",
    }

    assert identity(write({**fields, changed: other[changed]})) != identity(write(fields))


@given(WITH_ID)
def test_accounts_are_apart(fields: dict[str, str]) -> None:
    """One mail to two accounts is a message in each."""
    assert identity(write(fields), "acc_1") != identity(write(fields), "acc_2")


@given(FIELDS, st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=50))
def test_without_message_id_the_contents_name_the_mail(fields: dict[str, str], body: str) -> None:
    """Copies of a mail without Message-ID agree; another body is another mail."""
    same = {identity(write(fields, body, end)) for end in ("\r\n", "\n")}

    assert same == {identity(write({"Received": "from a by b", **fields}, body + "\r\n\r\n"))}
    assert identity(write(fields, "another" + body)) not in same


@pytest.mark.parametrize("zone", ["08:15:00 +0000", "09:15:00 +0100", "03:15:00 -0500 (EST)"])
def test_the_same_moment_in_another_zone_is_the_same_date(zone: str) -> None:
    """Providers rewrite the date header; the moment is what counts."""
    fields = {"From": "a@b.example", "Message-ID": "<1@b.example>"}

    written = identity(write({**fields, "Date": f"Tue, 10 Nov 2026 {zone}"}))

    assert written == identity(write({**fields, "Date": "10 Nov 2026 08:15 +0000"}))


def test_provider_message_id_is_never_empty(mail: Callable[[str], bytes]) -> None:
    """The ledger can name every mail (I2)."""
    names = [
        provider_message_id(read_head(raw, envelope_sender="")) for raw in (b"", b"\r\n\r\n", mail("no_message_id"))
    ]

    assert all(name.startswith("mid_") for name in names)
