"""The program of a parser process: reads mails from its standard input, answers on its standard output.

Run as `python -m ingest_email.parser_worker <seconds> <bytes>`; it parses one mail at a time and ends with its input.
"""

import logging
import os
import resource
import signal
import sys
from typing import BinaryIO

from ingest_email.parsing.frames import READY, Failure, encode_answer, pack, receive
from ingest_email.parsing.model import ParsedMail
from ingest_email.parsing.outline import OverLimit
from ingest_email.parsing.parse import parse

_ALARM_GRACE_SECONDS = 2.0


def main() -> None:
    """Serve until the input ends."""
    seconds, memory_bytes = float(sys.argv[1]), int(sys.argv[2])
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What the libraries have to say of a mail quotes it.
    logging.disable()
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # A library that prints must not speak on our line.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    serve(sys.stdin.buffer, answers, seconds)


def serve(requests: BinaryIO, answers: BinaryIO, seconds: float) -> None:
    """Answer mail after mail. The alarm ends this process should nobody be left who would kill it."""
    _send(answers, [READY])
    while (sender := receive(requests)) is not None and (raw := receive(requests)) is not None:
        signal.setitimer(signal.ITIMER_REAL, seconds + _ALARM_GRACE_SECONDS)
        answer = encode_answer(answer_to(raw, sender.decode()))
        signal.setitimer(signal.ITIMER_REAL, 0)
        _send(answers, answer)


def answer_to(raw: bytes, envelope_sender: str) -> ParsedMail | Failure:
    """What the mail says, or why that cannot be said."""
    try:
        return parse(raw, envelope_sender=envelope_sender)
    except OverLimit as error:
        return Failure(error.code)
    except Exception as error:  # noqa: BLE001 - any failure is an answer; its text could quote the mail
        return Failure(f"unreadable:{type(error).__name__}")


def _send(stream: BinaryIO, blocks: list[bytes]) -> None:
    stream.write(pack(blocks))
    stream.flush()


if __name__ == "__main__":
    main()
