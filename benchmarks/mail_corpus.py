"""Mails to measure with: a mix of our own making, the corpus of ingest-email's tests, and the standard library's.

The same mails each time; every one of our own making is another mail, from another sender.
"""

import random
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import SMTP
from importlib.util import find_spec
from pathlib import Path

_OF_INGEST_EMAIL = Path(__file__).parents[1] / "services" / "ingest-email" / "tests" / "mails"
_KINDS = ("plain", "plain", "plain", "plain", "reply", "reply", "reply", "letter", "letter", "file")
_WORDS = (
    "order",
    "parcel",
    "invoice",
    "number",
    "please",
    "when",
    "arrived",
    "broken",
    "returned",
    "colour",
    "size",
    "thank",
    "address",
    "déjà",
    "größer",
)
_HISTORY_LINES = 60
_LETTER_ROWS = 80
_FILE_BYTES = 60_000


def own_mails(count: int, *, run: str, recipient: str, seed: int = 1) -> Iterator[bytes]:
    """So many mails as customers write them: text, replies with their history, letters in HTML, files.

    `run` is part of every identifier, so that no two runs hold the same mail.
    """
    rng = random.Random(seed)  # noqa: S311 - the same mails each time is what is wanted
    for number in range(count):
        mail = EmailMessage(policy=SMTP)
        mail["From"] = f"Customer {number} <c{number}.{run}@customers.example>"
        mail["To"] = recipient
        mail["Subject"] = f"Question {number}: {_words(rng, 5)}"
        mail["Date"] = "Sun, 22 Nov 2026 12:00:00 +0000"
        mail["Message-ID"] = f"<{run}.{number}@bench.example>"
        _fill(mail, _KINDS[number % len(_KINDS)], rng)
        if mail.is_multipart():
            mail.set_boundary(f"part-{run}-{number}")
        yield mail.as_bytes()


def found_mails() -> list[bytes]:
    """Mails that others wrote: those that our parser is tested with, and the standard library's, if it has any."""
    library = find_spec("test")
    theirs = Path(library.origin).parent / "test_email" / "data" if library and library.origin else None
    paths = [*_OF_INGEST_EMAIL.glob("*.eml"), *(theirs.glob("msg_*.txt") if theirs else ())]
    return [path.read_bytes() for path in sorted(paths)]


def mixed(count: int, *, run: str, recipient: str) -> list[bytes]:
    """One found mail for every two of our own, as far as they go round, in a mix that stays the same."""
    found = found_mails()
    others = [found[number % len(found)] for number in range(count // 3)] if found else []
    mails = [*others, *own_mails(count - len(others), run=run, recipient=recipient)]
    random.Random(count).shuffle(mails)  # noqa: S311 - see above
    return mails


def _fill(mail: EmailMessage, kind: str, rng: random.Random) -> None:
    text = "\n".join(_words(rng, 12) for _ in range(10))
    match kind:
        case "reply":
            history = "\n".join(f"> {_words(rng, 11)}" for _ in range(_HISTORY_LINES))
            mail["In-Reply-To"] = mail["References"] = f"<earlier.{rng.getrandbits(64):x}@bench.example>"
            mail.set_content(f"{text}\n\nOn Sat, 21 Nov 2026 at 10:00, Support <help@acme.example> wrote:\n{history}\n")
            quoted = history.replace("> ", "").replace("\n", "<br>")
            mail.add_alternative(
                f'<div>{text}</div><div class="gmail_quote"><blockquote>{quoted}</blockquote></div>', subtype="html"
            )
        case "letter":
            rows = "".join(
                f'<tr><td style="color:#333;padding:4px"><a href="https://shop.example/{row}">{_words(rng, 6)}</a></td>'
                f'<td><img src="https://cdn.example/{row}.png" width="80" alt=""></td></tr>'
                for row in range(_LETTER_ROWS)
            )
            mail.set_content(
                f"<html><head><style>td {{ font: 14px }}</style></head><body><table>{rows}</table></body></html>",
                subtype="html",
            )
        case "file":
            mail.set_content(text)
            mail.add_attachment(
                rng.randbytes(_FILE_BYTES), maintype="application", subtype="pdf", filename="invoice.pdf"
            )
        case _:
            mail.set_content(f"{text}\n\n-- \n{_words(rng, 3)}\n")


def _words(rng: random.Random, count: int) -> str:
    return " ".join(rng.choice(_WORDS) for _ in range(count))
