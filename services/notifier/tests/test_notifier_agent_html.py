"""The HTML of replies: what leaves, what does not, and the signature below it (S4, X8)."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from time import perf_counter

import pytest

from contracts.outbound import MailThreading, OutboundMessageRequested
from contracts.people import Party
from contracts.settings import SupportAddress
from notifier.agent_html import MAX_CHARACTERS, clean, signed
from notifier.mail import compose_mail

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def parts_of(html: str, *, signature: str = "") -> dict[str, str]:
    """The texts of the mail that leaves, by media type."""
    request = OutboundMessageRequested(
        id="evt_1",
        account_id="acc_1",
        time=NOON,
        message_id="msg_1",
        channel="email",
        purpose="reply",
        contact_key="zoe@customer.example",
        recipient=Party(email="zoe@customer.example"),
        sender="support@acme.example",
        text="On its way.",
        html=html,
        mail=MailThreading(message_id="ours@acme.example"),
    )
    mail = compose_mail(request, SupportAddress(signature=signature), [], NOON)
    read = message_from_bytes(mail.as_bytes(), policy=default)
    return {part.get_content_type(): part.get_content() for part in read.walk() if not part.is_multipart()}


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ("<p>Hello <b>Zoé</b></p>", "<p>Hello <b>Zoé</b></p>"),
        ("<script>alert(1)</script><p>x</p>", "<p>x</p>"),
        ('<p onclick="x()">x</p>', "<p>x</p>"),
        ('<a href="javascript:x()">x</a>', "<a>x</a>"),
        ('<a href="https://acme.example/">x</a>', '<a href="https://acme.example/">x</a>'),
        ('<img src="https://acme.example/a.png">', '<img src="https://acme.example/a.png">'),
        ('<img src="data:text/html;base64,AAAA">', "<img>"),
        ('<p style="color: red; position: fixed">x</p>', '<p style="color:red">x</p>'),
        ('<p style="color: url(https://evil.example)">x</p>', "<p>x</p>"),
        ('<form action="https://evil.example"><input name="password"></form>x', "x"),
        ("<svg><script>x</script></svg>x", "x"),
    ],
)
def test_html_leaves_by_an_allow_list(given: str, left: str) -> None:
    """Programs, forms, foreign schemes and styles that fetch stay here; formatting, links and pictures leave."""
    assert clean(given) == left


def test_the_mail_has_the_cleaned_html_beside_the_text() -> None:
    """Whatever the API was given, the mail carries what the allow-list leaves; the signature is below both (X8)."""
    parts = parts_of("<p>On its <b onclick='x()'>way</b>.</p>", signature="Acme & Co\nwww.acme.example")

    assert parts["text/plain"] == "On its way.\n\n-- \nAcme & Co\nwww.acme.example\n".replace("\n", "\r\n")
    assert parts["text/html"].replace("\r\n", "\n").strip() == (
        "<p>On its <b>way</b>.</p>\n<div>-- <br>\nAcme &amp; Co<br>\nwww.acme.example</div>"
    )


@pytest.mark.parametrize(
    "given", ["<script>x</script>", " ", "<div>" * 1000, "&" * 100_000, "x" * (MAX_CHARACTERS + 1)]
)
def test_html_that_cannot_leave_leaves_the_text(given: str) -> None:
    """Where nothing is left of the HTML, or it could stall the cleaner, the page is made from the text."""
    assert parts_of(given)["text/html"].strip() == "<p>On its way.</p>"


@pytest.mark.parametrize("given", ["<p>" * 150 + "&" * 20_000, "<" * 400_000, "<br>" * 120_000, "</p>" * 120_000])
def test_cleaning_takes_no_time_to_speak_of(given: str) -> None:
    """What the cleaner is slow at is refused; the largest input that is not takes it a moment."""
    began = perf_counter()
    cleaned = clean(given)

    assert cleaned is not None
    assert perf_counter() - began < 5


def test_html_without_signature_is_as_it_is() -> None:
    """Nothing is added where nothing is set."""
    assert signed("<p>x</p>", " \n") == "<p>x</p>"
