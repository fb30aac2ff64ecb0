"""Raw-socket probes: nothing but CRLF, dot, CRLF ends a mail (CVE-2023-51764 and its kin, CVE-2024-27305)."""

import asyncio
import random
from pathlib import Path
from typing import Any

from service_kit.testing.eventually import eventually

ENVELOPE = b"MAIL FROM:<jane@customer.example>\r\nRCPT TO:<support@acme.example>\r\nDATA\r\n"
HEAD = b"From: jane@customer.example\r\nSubject: probe\r\n\r\n"
NOT_AN_END = [
    b"\n.\n",
    b"\n.\r\n",
    b"\r.\r",
    b"\r.\r\n",
    b"\r\n.\n",
    b"\r\n.\r",
    b"\n.\r",
    b"\r\n\x00.\r\n",
    b"\r\n.\x00\r\n",
    b"\r\r\n.\n",
    b"\r\n. \r\n",
]


async def _dialogue(port: int, chunks: list[bytes], *, pause_seconds: float = 0.0) -> list[bytes]:
    """Say all that over one connection, and read to its end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for chunk in chunks:
        writer.write(chunk)
        await writer.drain()
        await asyncio.sleep(pause_seconds)
    answers = await asyncio.wait_for(reader.read(), 20)
    writer.close()
    await writer.wait_closed()
    return answers.splitlines()


def _stuffed(content: bytes) -> bytes:
    """What a client sends for `content` (RFC 5321, section 4.5.2)."""
    return b"\r\n".join(b"." + line if line.startswith(b".") else line for line in content.split(b"\r\n"))


def _stored(home: Path) -> list[bytes]:
    return [path.read_bytes() for path in (home / "blobs").glob("acc_1/mail/*")]


async def test_no_other_sequence_ends_a_mail(serving: Any) -> None:
    """A second mail hidden behind a false end of data stays text of the first one."""
    answered = {}

    async with serving() as email:
        for number, sequence in enumerate(NOT_AN_END):
            hidden = (
                b"X-Probe: %d\r\n" % number
                + HEAD
                + b"first"
                + sequence
                + ENVELOPE
                + b"From: x@y.example\r\n\r\nsmuggled"
            )
            said = b"EHLO probe\r\n" + ENVELOPE + hidden + b"\r\n.\r\nQUIT\r\n"
            answered[sequence] = [answer[:9] for answer in await _dialogue(email.port, [said])]
        await eventually(lambda: len(email.events) == len(NOT_AN_END))
        stored = _stored(email.platform.settings.home)

    assert all(answers.count(b"354 End d") == 1 for answers in answered.values()), answered
    assert all(answers.count(b"250 2.0.0") == 1 for answers in answered.values()), answered
    assert len(stored) == len(NOT_AN_END)
    assert all(b"smuggled" in content for content in stored)
    assert {event.sender.email for event in email.events} == {"jane@customer.example"}


async def test_mails_arrive_byte_for_byte_however_they_are_cut(serving: Any) -> None:
    """Stuffed dots are taken out, lines of any length kept, and the cuts between packets do not matter."""
    rng = random.Random(20261121)  # noqa: S311 - the same mails each time
    pieces = [
        b".",
        b"..",
        b"\r\n",
        b"\r\n.",
        b"\r\n..",
        b"\n",
        b"\r",
        b"a",
        b"." * 999,
        b"x" * 1001,
        b"y" * 5000,
        b"\0",
    ]
    contents = [HEAD + b"".join(rng.choices(pieces, k=rng.randint(0, 25))) + b"\r\n" for _ in range(40)]
    contents += [HEAD + line + b"\r\n" for line in (b".", b"..", b"." + b"z" * 3000, b"z" * 999 + b".", b"\r\n.\r\n.")]
    said = b"EHLO probe\r\n" + b"".join(ENVELOPE + _stuffed(content) + b".\r\n" for content in contents) + b"QUIT\r\n"
    cuts = sorted(rng.sample(range(len(said)), 400))
    chunks = [said[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(said)], strict=True)]

    async with serving() as email:
        answers = await _dialogue(email.port, chunks)
        stored = _stored(email.platform.settings.home)

    assert sum(answer.startswith(b"250 2.0.0") for answer in answers) == len(contents)
    assert sorted(stored) == sorted(set(contents))


async def test_a_terminator_cut_in_two_ends_the_mail(serving: Any) -> None:
    """The end of data is recognised when it comes byte by byte."""
    said = [b"EHLO probe\r\n" + ENVELOPE + HEAD + b"text", *(bytes([byte]) for byte in b"\r\n.\r\n"), b"QUIT\r\n"]

    async with serving() as email:
        answers = await _dialogue(email.port, said, pause_seconds=0.005)
        stored = _stored(email.platform.settings.home)

    assert answers[-2].startswith(b"250 2.0.0")
    assert stored == [HEAD + b"text\r\n"]


async def test_a_connection_that_ends_within_the_data_leaves_nothing(serving: Any) -> None:
    """What was not ended was not accepted: it is neither stored nor answered."""
    async with serving() as email:
        reader, writer = await asyncio.open_connection("127.0.0.1", email.port)
        writer.write(b"EHLO probe\r\n" + ENVELOPE)
        await asyncio.wait_for(reader.readuntil(b"354 End data with <CR><LF>.<CR><LF>\r\n"), 10)
        writer.write(HEAD + b"text\r\n.")
        writer.write_eof()
        answers = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        await writer.wait_closed()
        stored = _stored(email.platform.settings.home)

    assert answers == b""
    assert stored == []


async def test_more_than_the_limit_is_drained_not_obeyed(serving: Any) -> None:
    """The rest of an oversize mail is data to its end: commands inside it are not executed."""
    content = HEAD + b"x" * 3000 + b"\r\n" + ENVELOPE + b"hidden\r\n"

    async with serving(mail_size_limit_bytes=1024) as email:
        answers = await _dialogue(email.port, [b"EHLO probe\r\n" + ENVELOPE + content + b".\r\nNOOP\r\nQUIT\r\n"])

    assert [answer[:3] for answer in answers[-4:]] == [b"354", b"552", b"250", b"221"]
    assert email.events == []
