"""What is read from a header block, however it is written."""

from email.message import EmailMessage
from email.policy import SMTP

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest_email.parsing.header_block import MAX_BLOCK_BYTES, read_block
from ingest_email.parsing.headers import read_head
from ingest_email.parsing.model import MailHead


def head(*fields: str, body: str = "text") -> MailHead:
    """The head of a mail with these fields."""
    return read_head("\r\n".join([*fields, "", body]).encode(), envelope_sender="envelope@mx.example")


@pytest.mark.parametrize(
    ("value", "name", "email"),
    [
        ("Jane Roe <Jane@Customer.Example>", "Jane Roe", "jane@customer.example"),
        ('"Roe, Jane" <jane@customer.example>', "Roe, Jane", "jane@customer.example"),
        ("Acme, Inc. <jane@customer.example>", "Inc.", "jane@customer.example"),
        ("=?utf-8?Q?Roe=2C_Ren=C3=A9e?= <jane@customer.example>", "Roe, Renée", "jane@customer.example"),
        ("=?iso-8859-1?Q?J=FCrgen?= =?iso-8859-1?Q?_M=FCller?= <j@b.example>", "Jürgen Müller", "j@b.example"),
        ("=?nonsense?Q?Jane?= <jane@customer.example>", "Jane", "jane@customer.example"),
        ("=?utf-8?B?broken!?= <jane@customer.example>", "=?utf-8?B?broken!?=", "jane@customer.example"),
        ("jane@customer.example (Jane Roe)", "Jane Roe", "jane@customer.example"),
        ("<jane@customer.example>, second@customer.example", None, "jane@customer.example"),
        ("(" * 5000 + "jane@customer.example", None, "jane@customer.example"),
        ("Jürgen <jürgen@beispiel.example>", "Jürgen", "jürgen@beispiel.example"),
        ("undisclosed-recipients:;", None, None),
        ("not an address", None, None),
    ],
)
def test_author(value: str, name: str | None, email: str | None) -> None:
    """The first address of From, with its decoded name."""
    seen = head(f"From: {value}")

    assert (seen.from_name, seen.from_email) == (name, email)


def test_sender_stands_in_for_an_author_without_address() -> None:
    """Where From names nobody, Sender does."""
    assert head("From: Contact form", "Sender: form@shop.example").from_email == "form@shop.example"


def test_raw_eight_bit_headers() -> None:
    """Unencoded headers are UTF-8 or, failing that, Western."""
    utf8 = read_head("Subject: Größe\r\n\r\n".encode(), envelope_sender="x")
    latin = read_head("Subject: Größe\r\n\r\n".encode("latin-1"), envelope_sender="x")

    assert utf8.subject == latin.subject == "Größe"


def test_text_beside_encoded_words_is_kept() -> None:
    """Characters outside Latin-1 survive next to an encoded word."""
    assert head("Subject: заказ =?utf-8?q?=E2=84=96?= 5").subject == "заказ № 5"


def test_subject_is_one_clean_line() -> None:
    """Folding, control characters and direction overrides are gone; 1,000 characters at most (S4)."""
    seen = head("Subject: one\r\n two\tthree\x00\x1b[31m =?utf-8?q?=E2=80=AEfour=0D=0ABcc:?=" + "x" * 2000)

    assert seen.subject is not None
    assert seen.subject.startswith("one two three[31m")
    assert all(character.isprintable() for character in seen.subject)
    assert len(seen.subject) <= 1000


def test_ids_lose_their_brackets_and_the_newest_are_kept() -> None:
    """References may run on for ever; threading needs the newest hundred, oldest first. Empty ids are none (X2)."""
    references = " ".join(f"<{number}@x.example>" for number in range(150))
    seen = head("Message-ID:  <own@x.example> ", f"References: {references}", "In-Reply-To: <> <a@x.example> junk")

    assert seen.message_id == "own@x.example"
    assert seen.references == tuple(f"{number}@x.example" for number in range(50, 150))
    assert seen.in_reply_to == ("a@x.example",)


def test_ids_that_a_program_encoded_are_read() -> None:
    """Python's mail library encodes ids longer than a line, as ours are; they still name their mail (X2)."""
    ours = f"tic.{'a' * 24}.{'b' * 24}.{'c' * 16}@acme.example"
    mail = EmailMessage(policy=SMTP)
    mail["References"] = f"<first@x.example> <{ours}>"
    mail["In-Reply-To"] = f"<{ours}>"
    seen = head(mail.as_string().strip())

    assert "=?utf-8?q?" in mail.as_string()
    assert seen.references == ("first@x.example", ours)
    assert seen.in_reply_to == (ours,)


def test_an_id_without_brackets_counts_and_an_empty_one_does_not() -> None:
    """Some programs forget the brackets, others the id."""
    assert head("Message-ID: own@x.example").message_id == "own@x.example"
    assert head("Message-ID: <>").message_id is None


@pytest.mark.parametrize("value", ["", "yesterday", "Mon, 99 Foo 99999999999 10:00:00 +9999999", "9" * 5000])
def test_a_senseless_date_is_none(value: str) -> None:
    """A date that is none does not stop the mail."""
    assert head(f"Date: {value}").sent_at is None


def test_a_date_without_zone_is_utc() -> None:
    """`-0000` says that the zone is unknown."""
    sent_at = head("Date: Tue, 10 Nov 2026 09:15:00 -0000").sent_at

    assert sent_at is not None
    assert sent_at.isoformat() == "2026-11-10T09:15:00+00:00"


def test_lists_of_addresses_are_bounded() -> None:
    """Nobody needs more than 200 recipients, and the fields of more are not read to their end."""
    seen = head("Cc: " + ", ".join(f"a{number}@x.example" for number in range(3000)))

    assert len(seen.cc) == 200


def test_a_block_over_the_limit_is_read_to_the_limit() -> None:
    """The fields within 64 kB are seen; that the block goes on is told."""
    raw = b"From: jane@customer.example\r\n" + b"X-Filler: " + b"x" * MAX_BLOCK_BYTES + b"\r\nTo: a@b.example\r\n\r\n"

    assert read_block(raw).body_offset is None
    assert read_head(raw, envelope_sender="x").from_email == "jane@customer.example"
    assert read_head(raw, envelope_sender="x").to == ()


@given(st.binary(max_size=4000))
def test_any_bytes_have_a_head(raw: bytes) -> None:
    """Reading a head never fails, and what it gives is text that an event can hold."""
    seen = read_head(raw, envelope_sender="")

    for text in (seen.from_name, seen.from_email, seen.subject, seen.message_id, seen.date_text, *seen.references):
        assert text is None or text.encode().decode() == text


@given(
    st.lists(st.sampled_from(['"', "<", ">", "(", ")", "@", ",", ";", ":", "=?utf-8?q?", "?=", "a", "\\", " ", "é"]))
)
def test_any_punctuation_in_address_fields_is_survived(pieces: list[str]) -> None:
    """Whatever the address parser makes of it, an author is an address or nobody."""
    seen = head(f"From: {''.join(pieces)}", f"To: {''.join(pieces)}")

    assert seen.from_email is None or "@" in seen.from_email
