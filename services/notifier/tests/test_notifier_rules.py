"""The pure rules of notifier."""

import random
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.outbound import MailThreading, OutboundMessageRequested
from contracts.people import Attachment, Party
from contracts.settings import SupportAddress
from notifier.mail import compose_mail
from notifier.model import Delivery
from notifier.outcome import SEND, accepted, begun, deferred, refused
from notifier.retry import next_attempt_at
from notifier.short_links import code_of, links_of, shortened
from notifier.webhook_policy import next_attempt_at as next_webhook_attempt_at
from notifier.webhook_policy import wants
from service_kit.timers import with_due

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
REQUEST = OutboundMessageRequested(
    id="evt_1",
    account_id="acc_1",
    time=NOON,
    message_id="msg_1",
    ticket_id="tic_1",
    channel="email",
    purpose="reply",
    contact_key="zoe@customer.example",
    recipient=Party(name="Zoé", email="zoe@customer.example"),
    sender="support@acme.example",
    author_name="Ada",
    subject="Re: Where is my order?",
    text="It is on its way.",
    mail=MailThreading(
        message_id="ours@acme.example",
        in_reply_to="b@customer.example",
        references=("a@customer.example", "b@customer.example"),
        reply_to="support+tic.sig@acme.example",
        cc=("bob@customer.example",),
    ),
)
DELIVERY = with_due(
    Delivery(
        id="del_1",
        account_id="acc_1",
        ticket_id="tic_1",
        message_id="msg_1",
        channel="email",
        created_at=NOON,
        updated_at=NOON,
        request=REQUEST,
    ),
    SEND,
    NOON,
)


def test_a_reply_holds_its_thread_together() -> None:
    """From, threading headers, Reply-To and CC are what the request says; a person's reply is not automatic (X8)."""
    mail = compose_mail(REQUEST, SupportAddress(from_name="Acme", signature="Acme Ltd"), [], NOON)
    read = message_from_bytes(mail.as_bytes(), policy=default)

    assert read["From"] == "Acme <support@acme.example>"
    assert read["To"] == "Zoé <zoe@customer.example>"
    assert read["Message-ID"] == "<ours@acme.example>"
    assert read["In-Reply-To"] == "<b@customer.example>"
    assert read["References"] == "<a@customer.example> <b@customer.example>"
    assert read["Reply-To"] == "support+tic.sig@acme.example"
    assert read["Cc"] == "bob@customer.example"
    assert "Auto-Submitted" not in read
    body = read.get_body(("plain",))
    assert body is not None
    assert body.get_content() == "It is on its way.\r\n\r\n-- \r\nAcme Ltd\r\n"


def test_identifiers_longer_than_a_line_travel_as_they_are() -> None:
    """Our own Message-IDs are longer than a line, and still neither encoded nor broken in the thread's headers (X8)."""
    ours = f"tic.{'a' * 24}.{'b' * 24}.{'c' * 16}@acme.example"
    thread = MailThreading(message_id=f"x.{ours}", in_reply_to=ours, references=("a@customer.example", ours))
    written = compose_mail(REQUEST.model_copy(update={"mail": thread}), SupportAddress(), [], NOON).as_bytes()

    assert f"\r\nMessage-ID: <x.{ours}>\r\n".encode() in written
    assert f"\r\nIn-Reply-To: <{ours}>\r\n".encode() in written
    assert f"\r\nReferences: <a@customer.example>\r\n <{ours}>\r\n".encode() in written


def test_automatic_mail_says_so_and_files_travel_along() -> None:
    """Automatic texts carry Auto-Submitted; attachments keep name, type and bytes (X7, X8)."""
    request = REQUEST.model_copy(update={"purpose": "auto_reply", "html": "<p>hi</p>"})
    file = Attachment(id="att_1", name="a\r\nb.pdf", content_type="application/pdf", size=3, blob_key="k")
    mail = compose_mail(request, SupportAddress(), [(file, b"pdf")], NOON)
    read = message_from_bytes(mail.as_bytes(), policy=default)

    assert read["Auto-Submitted"] == "auto-replied"
    assert [part.get_content_type() for part in read.walk() if not part.is_multipart()] == [
        "text/plain",
        "text/html",
        "application/pdf",
    ]
    assert [(part.get_filename(), part.get_content()) for part in read.iter_attachments()] == [("a b.pdf", b"pdf")]


@settings(max_examples=30)
@given(st.text(max_size=200), st.text(max_size=80))
def test_no_subject_or_name_can_add_a_header(subject: str, name: str) -> None:
    """Whatever is typed, a header stays one line (S4)."""
    request = REQUEST.model_copy(update={"subject": f"{subject}\r\nBcc: x@evil.example\n{subject}"})
    mail = compose_mail(request, SupportAddress(from_name=f"{name}\r\nBcc: x@evil.example"), [], NOON)

    assert "Bcc" not in message_from_bytes(mail.as_bytes(), policy=default)


def test_mail_is_tried_for_five_days_ever_more_slowly() -> None:
    """A deferred mail waits longer each time and is given up after five days (X8)."""
    at, attempts, waits = NOON, 0, []
    while True:
        attempts += 1
        again = next_attempt_at(attempts, NOON, at)
        if again is None:
            break
        waits.append(again - at)
        at = again

    assert waits == sorted(waits)
    assert timedelta(days=5) <= at - NOON <= timedelta(days=5, hours=4)


def test_each_end_of_an_attempt_is_one_event() -> None:
    """Sent, failed and deferred each leave one event, and only a deferred one stays due (X8)."""
    sending = begun(DELIVERY, NOON)
    sent = accepted(sending, "250 ok", NOON, may_be_doubled=False)
    failed = refused(sending, "550 no such user", NOON)
    later = deferred(sending, "450 busy", NOON)

    assert [one.state for one in (sent, failed, later)] == ["sent", "failed", "queued"]
    assert [one.due_at for one in (sent, failed)] == [None, None]
    assert later.due_at == NOON + timedelta(minutes=1)
    assert [len(one.outbox) for one in (sent, failed, later)] == [1, 1, 1]


def test_a_repeated_submission_is_never_silent() -> None:
    """Sent again after an interruption, a delivery says `uncertain` (I8)."""
    again = accepted(begun(begun(DELIVERY, NOON), NOON), "250 ok", NOON, may_be_doubled=True)

    assert again.state == "uncertain"
    assert again.reason is not None


def test_links_are_found_without_their_punctuation() -> None:
    """Links end before the sentence does (M8)."""
    text = "See https://shop.example/a?b=1, (http://x.example/y). Not ftp://z"

    assert links_of(text) == ["https://shop.example/a?b=1", "http://x.example/y"]


def test_only_longer_links_are_replaced() -> None:
    """A short link replaces what is longer than itself, under the same code on every attempt (M8)."""
    text = "https://shop.example/a/very/long/path and http://x.io"
    links = links_of(text)
    short = [f"https://d.example/s/{code_of('msg_1', place)}" for place in range(2)]

    assert shortened(text, links, short) == f"{short[0]} and http://x.io"
    assert code_of("msg_1", 0) == code_of("msg_1", 0) != code_of("msg_1", 1)


@pytest.mark.parametrize(
    ("patterns", "type_", "wanted"),
    [
        (["support.ticket.*"], "support.ticket.created.v1", True),
        (["support.ticket.created.v1"], "support.ticket.created.v1", True),
        (["support.ticket.created.v1"], "support.ticket.closed.v1", False),
        (["support.agent.*"], "support.ticket.created.v1", False),
    ],
)
def test_patterns_choose_events(patterns: list[str], type_: str, *, wanted: bool) -> None:
    """A webhook gets the types it named (E2)."""

    assert wants(patterns, type_) is wanted


def test_webhooks_are_tried_as_documented() -> None:
    """Retries come after 1 s, 5 s, 30 s, 2 min, 15 min, 1 h, 6 h and 24 h, a little scattered, then end (E2)."""
    chance = random.Random(1)  # noqa: S311 - jitter
    waits = [next_webhook_attempt_at(attempt, NOON, chance) for attempt in range(1, 10)]
    floors = [1, 5, 30, 120, 900, 3600, 21_600, 86_400]

    assert waits[-1] is None
    assert all(
        floor <= (wait - NOON).total_seconds() <= floor * 1.1
        for floor, wait in zip(floors, waits[:-1], strict=True)
        if wait is not None
    )
