"""The reader of mail data: what went in comes out, however it is cut, and limits hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest_email.errors import MailTooLarge, MemoryFull
from ingest_email.mail_memory import MailMemory
from ingest_email.smtp.mail_data import MailData

PIECES = st.lists(
    st.sampled_from([b".", b"..", b"\r\n", b"\r\n.", b"\n", b"\r", b"\n.\n", b"\r.\r", b"a", b"\0", b"x" * 50])
)
CONTENTS = PIECES.map(b"".join).map(lambda content: content + b"\r\n")
CUTS = st.lists(st.integers(0, 400), max_size=20)


def stuffed(content: bytes) -> bytes:
    """As a client sends it, with the end of data (RFC 5321, section 4.5.2)."""
    return b"\r\n".join(b"." + line if line.startswith(b".") else line for line in content.split(b"\r\n")) + b".\r\n"


def fed(data: MailData, said: bytes, cuts: list[int]) -> bytes | None:
    """What is left over after the blocks, cut at these places, were taken."""
    places = sorted({cut for cut in cuts if cut < len(said)})
    blocks = [said[begin:end] for begin, end in zip([0, *places], [*places, len(said)], strict=True)]
    for number, block in enumerate(blocks):
        rest = data.feed(block)
        if rest is not None:
            return rest + b"".join(blocks[number + 1 :])
    return None


@given(CONTENTS, CUTS, st.binary(max_size=30))
def test_content_and_rest_come_out_as_they_went_in(content: bytes, cuts: list[int], behind: bytes) -> None:
    """Byte for byte, whatever the cuts; commands behind the mail are not swallowed."""
    data = MailData(10_000, MailMemory(10_000))

    rest = fed(data, stuffed(content) + behind, cuts)

    assert rest == behind
    assert data.content() == content


@given(CONTENTS, CUTS, st.integers(1, 60))
def test_limits_do_not_change_where_a_mail_ends(content: bytes, cuts: list[int], limit: int) -> None:
    """A refused mail is read to the same end, and holds no memory."""
    memory = MailMemory(1_000_000)
    data = MailData(limit, memory)

    rest = fed(data, stuffed(content) + b"QUIT\r\n", cuts)

    assert rest == b"QUIT\r\n"
    if len(content) > limit + 5:
        with pytest.raises(MailTooLarge):
            data.content()
        assert memory.reserve(1_000_000)


@given(CONTENTS)
def test_without_its_end_a_mail_goes_on(content: bytes) -> None:
    """No part of a mail ends it."""
    assert fed(MailData(10_000, MailMemory(10_000)), stuffed(content)[:-1], []) is None


def test_memory_is_shared_and_given_back() -> None:
    """Two mails compete for one budget; what the first one gives back, the next one gets."""
    memory = MailMemory(150)
    first, second, third = (MailData(1000, memory) for _ in range(3))
    first.feed(b"x" * 100)
    second.feed(b"x" * 100 + b"\r\n.\r\n")
    with pytest.raises(MemoryFull):
        second.content()
    first.release()
    second.release()
    third.feed(b"x" * 100 + b"\r\n.\r\n")

    assert third.content() == b"x" * 100 + b"\r\n"


def test_what_is_over_the_limit_is_not_kept() -> None:
    """50 MB that nobody announced are read to their end, and take no more memory than the limit and a block (I7)."""
    limit, block = 1_000_000, (b"x" * 998 + b"\r\n") * 64
    memory = MailMemory(limit * 2)
    data, most = MailData(limit, memory), 0
    for _ in range(50_000_000 // len(block)):
        data.feed(block)
        most = max(most, len(data._buffer))
    rest = data.feed(b".\r\nQUIT\r\n")

    assert most <= limit + 2 * len(block)
    assert rest == b"QUIT\r\n"
    assert memory.reserve(limit * 2)
    with pytest.raises(MailTooLarge):
        data.content()


def test_an_empty_mail_is_a_mail() -> None:
    """The end may come at once."""
    data = MailData(100, MailMemory(100))

    assert data.feed(b".\r\nQUIT\r\n") == b"QUIT\r\n"
    assert data.content() == b""
