"""Bounces in a mail server's own words: whom they name, which mail, and when nobody is believed to have failed (X7)."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from ingest_email.parsing.model import AutomaticMark, FailedRecipient
from ingest_email.parsing.parse import parse

REPORTED = "tic.1.2.sig@acme.example"
BOUNCE = AutomaticMark("bounce", "bounce_in_words")


@pytest.fixture
def head_of(mail: Callable[[str], bytes]) -> Callable[..., Any]:
    """The head of a mail of the corpus."""
    return lambda name, sender="": parse(mail(name), envelope_sender=sender).head


def test_qmail(head_of: Any) -> None:
    """The recipient, what the other server answered, and the mail that stands below are read from the text (X7)."""
    head = head_of("bounce_qmail")

    assert head.automatic == BOUNCE
    assert head.report.reported_id == REPORTED
    assert head.references == (REPORTED,)
    assert head.report.failed == (
        FailedRecipient("gone@customer.example", "5.1.1", "550 5.1.1 no mailbox here by that name"),
    )


def test_exim(head_of: Any) -> None:
    """Exim names several recipients in a header, and calls its bounces automatic answers; words of nobody alone."""
    head = head_of("bounce_exim")

    assert head.automatic == BOUNCE
    assert head.references == (REPORTED,)
    assert head.report.failed == (FailedRecipient("gone@customer.example"), FailedRecipient("moved@customer.example"))


def test_a_warning_is_a_delay_and_no_bounce(head_of: Any) -> None:
    """What has not arrived yet has not failed (X7)."""
    head = head_of("delay_sendmail")

    assert head.automatic == AutomaticMark("auto_reply", "delivery_delayed")
    assert (head.report.actions, head.report.failed) == (("delayed",), ())
    assert head.references == (REPORTED,)


def test_a_bounce_is_known_by_its_sender_where_the_path_is_not_empty(head_of: Any) -> None:
    """Providers' webhooks do not always tell the reverse-path; what calls itself a mail server is one."""
    assert head_of("bounce_qmail", "mailer-daemon@mx.customer.example").automatic == BOUNCE


def test_a_customer_who_forwards_a_bounce_has_not_bounced(mail: Callable[[str], bytes]) -> None:
    """The same words of a person are their words (X7)."""
    raw = mail("bounce_qmail").replace(b"MAILER-DAEMON@mx.customer.example", b"jane@customer.example")
    head = parse(raw, envelope_sender="jane@customer.example").head

    assert (head.automatic, head.report, head.references) == (None, None, ())


def test_words_that_say_nothing_leave_the_mail_as_it_is() -> None:
    """A mail from nobody in which no recipient is named stays a bounce of nobody in particular."""
    head = parse(b"From: postmaster@b.example\r\nSubject: Sorry\r\n\r\nIt did not work.\r\n", envelope_sender="").head

    assert head.automatic == AutomaticMark("bounce", "null_reverse_path")
    assert head.report is None


def test_the_standard_goes_first(head_of: Any) -> None:
    """Where RFC 3464 says it, the words beside are not asked."""
    assert head_of("bounce").automatic == AutomaticMark("bounce", "delivery_status_report")


@pytest.mark.parametrize(
    "text",
    [
        "This message was created automatically by mail delivery software\n" + "rcpt to: <" * 20_000,
        "the following addresses had\n" + " (expanded from: a@" * 10_000,
        "Your message could not be delivered to\n" + "a" * 200_000,
        "Hi. This is the\n\n" + "<a@b.example>:\n" * 15_000,
        "Message-ID: <" * 20_000,
    ],
    ids=str.__len__,
)
def test_no_words_stall_the_parser(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the detectors make of it, it ends within its budget, and the mail is read (I6)."""
    monkeypatch.setattr("ingest_email.parsing.vendor_bounce._SECONDS", 0.1)
    raw = b"From: mailer-daemon@b.example\r\n\r\n" + text.encode()
    began = time.process_time()
    seen = parse(raw, envelope_sender="")

    assert time.process_time() - began < 2
    assert seen.body.text != ""
    assert seen.head.report is None or len(seen.head.report.failed) <= 20
