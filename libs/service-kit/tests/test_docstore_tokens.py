"""What a word is, to those who store it and to those who search it."""

import time

import pytest

from service_kit.docstore.tokens import (
    MAX_QUERY_CHARACTERS,
    MAX_QUERY_WORDS,
    MAX_TOKEN_CHARACTERS,
    MAX_TOKENS,
    document_tokens,
    query_words,
)


def _finds(query: str, text: str) -> bool:
    tokens = document_tokens(text)
    words = query_words(query)
    return bool(words) and all(any(token.startswith(word) for token in tokens) for word in words)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("straße", "STRASSE 5"),
        ("strasse", "Straße"),
        ("cafe", "Café Zoë"),
        ("zoe\u0308", "Zoë"),
        ("ﬁn", "final"),
        ("\uff11\uff12\uff13", "order 123"),
        ("İstanbul", "istanbul"),
        ("order-77", "Order 77, please"),
        ("#77", "ticket 77"),
        ("o'brien", "Mr O'Brien"),
        ("snake_case", "snake case"),
        ("東京", "東京都"),
        ("京都", "東京都に住んでいます"),
        ("す", "東京都に住んでいます"),
        ("住んでいます", "東京都に住んでいます。"),
        ("注文2024", "注文2024番"),
        ("สวัสดี", "ฉันพูดว่าสวัสดีครับ"),
        ("서울", "서울에서"),
        ("हिन्दी", "हिन्दी भाषा"),
        ("jane@example.com", "Jane <JANE@Example.com>, hello"),
        ("jane@example.com", "mailto:jane@example.com."),
        ("jane@ex", "jane@example.com"),
        ("@example.com", "jane@example.com"),
        ("jane+news@example.com", "to: jane+news@example.com"),
        ("example", "jane@example.com"),
        ("+33 6 12 34 56 78", "+33612345678"),
        ("0612345678", "+33612345678"),
        ("06.12.34.56.78", "call me: +33 (0) 6 12 34 56 78 thanks".replace("(0) ", "")),
        ("0033 612345678", "+33 612 345 678"),
        ("(202) 555-0123", "+1 202 555 0123"),
        ("202 555 0123", "+12025550123"),
        ("202-555-0123", "my number is 202.555.0123"),
        ("+1202555", "+12025550123"),
        ("5550123", "555-0123"),
        ("2026-11-21", "on 2026-11-21 we met"),
        ("2026-11", "on 2026-11-21 we met"),
    ],
)
def test_finds(query: str, text: str) -> None:
    """People find what they mean, however they or the customer wrote it (V4)."""

    assert _finds(query, text)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("jane@example.com", "jane wrote to bob@example.com"),
        ("bob@example.com", "bob@example.org"),
        ("+33612345678", "+33612345679"),
        ("orders 12 34", "orders 12"),
        ("cat", "concatenate"),
        ("京東", "東京都"),
        ("", "anything"),
        ("--- ?!", "anything --- ?!"),
    ],
)
def test_does_not_find(query: str, text: str) -> None:
    """An address or a number is one word: its parts elsewhere are no match; nor is the middle of a word."""

    assert not _finds(query, text)


def test_whole_addresses_come_first() -> None:
    """Addresses and numbers are the last that the cap would cut off."""
    tokens = document_tokens("write to jane@example.com or +1 202 555 0123 today")

    assert tokens[:2] == ["jane@example.com", "12025550123"]
    assert {"2025550123", "025550123"} <= set(tokens)


def test_order_of_texts() -> None:
    """Earlier texts are the more important ones: of too many tokens the last texts' are left out."""
    long = " ".join(f"w{number}" for number in range(2 * MAX_TOKENS))

    tokens = document_tokens("subject line", None, long, "lost")

    assert tokens[:2] == ["subject", "line"]
    assert len(tokens) == MAX_TOKENS
    assert "lost" not in tokens


def test_long_words() -> None:
    """A word beyond the cap is found by its beginning, whatever its end."""
    word = "a" * (2 * MAX_TOKEN_CHARACTERS)

    assert document_tokens(word) == [word[:MAX_TOKEN_CHARACTERS]]
    assert query_words(word) == (word[:MAX_TOKEN_CHARACTERS],)


def test_needless_words() -> None:
    """A word that begins another one asks for nothing more, and a query has no more than its share of words."""
    many = " ".join(f"x{number:03}" for number in range(100))

    assert query_words("jo john j john") == ("john",)
    assert len(query_words(many)) == MAX_QUERY_WORDS
    assert query_words("a" + " " * MAX_QUERY_CHARACTERS + "b") == ("a",)


@pytest.mark.parametrize(
    "text",
    [
        "1" + "(" * 200_000,
        "1(" * 100_000,
        "1" * 200_000 + "a",
        "1 " * 100_000 + "a",
        "+(" * 100_000,
        "@" * 200_000,
        "a@" * 100_000,
        "\ufdfa" * 200_000,
        "e\u0301" * 100_000,
        " " * 200_000,
    ],
    ids=lambda text: repr(text[:4]),
)
def test_hostile_texts(text: str) -> None:
    """No text takes long, neither as a document nor as a query."""
    began = time.process_time()
    tokens, words = document_tokens(text), query_words(text)
    took = time.process_time() - began

    assert took < 2.0
    assert len(tokens) <= MAX_TOKENS
    assert len(words) <= MAX_QUERY_WORDS
