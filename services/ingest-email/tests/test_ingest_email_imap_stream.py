"""What is read of an IMAP server is bounded, and nothing is lost while it is slow."""

import socket
from collections.abc import Iterator

import pytest

from ingest_email.imap.imap_failure import AnswerTooLarge
from ingest_email.imap.imap_stream import BoundedStream


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, BoundedStream]]:
    """The server's end of a connection, and what reads the other end, allowed ten bytes."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        stream = BoundedStream(ours)
        stream.allow(10)
        yield theirs, stream


def test_lines_and_literals_come_in_turn(pair: tuple[socket.socket, BoundedStream]):
    """What arrives at once is given out piece by piece; at the end what there is."""
    server, stream = pair
    server.sendall(b"a\nbcde\nf")
    server.shutdown(socket.SHUT_WR)

    assert (stream.readline(), stream.read(2), stream.readline()) == (b"a\n", b"bc", b"de\n")
    assert (stream.readline(), stream.readline(), stream.read(2)) == (b"f", b"", b"")


def test_a_wait_that_runs_out_loses_nothing(pair: tuple[socket.socket, BoundedStream]):
    """A line may come in two pieces around it."""
    server, stream = pair
    silent = stream.wait(0.01)
    server.sendall(b"* 1 ")
    begun = stream.wait(5)
    server.sendall(b"E\n")

    assert (silent, begun) == (False, True)
    assert stream.readline() == b"* 1 E\n"


def test_what_was_read_ahead_is_news(pair: tuple[socket.socket, BoundedStream]):
    """A server may say that there is new mail in the same packet as that it is waiting now."""
    server, stream = pair
    server.sendall(b"+\n* 1 E\n")

    assert stream.readline() == b"+\n"
    assert stream.wait(0)


def test_more_than_is_allowed_is_not_read(pair: tuple[socket.socket, BoundedStream]):
    """Neither a line nor a literal of a hostile server fills the memory."""
    server, stream = pair
    server.sendall(b"0123456789a")
    with pytest.raises(AnswerTooLarge):
        stream.read(11)
    with pytest.raises(AnswerTooLarge):
        stream.readline()


def test_many_short_lines_are_too_much_as_well():
    """Reading one costs more than sending one."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        stream = BoundedStream(ours)
        stream.allow(100_000)
        theirs.sendall(b"\n" * 5_001)
        lines = [stream.readline() for _ in range(5_000)]
        with pytest.raises(AnswerTooLarge):
            stream.readline()

    assert set(lines) == {b"\n"}


def test_a_line_without_end_is_no_line():
    """However much a command may cost."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        stream = BoundedStream(ours)
        stream.allow(2_000_000)
        stream._buffer += b"x" * 1_000_001
        with pytest.raises(AnswerTooLarge):
            stream.readline()
