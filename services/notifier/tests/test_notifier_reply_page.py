"""The HTML beside the text of a mail whose author wrote no HTML, and how a mail travels (X8)."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default

import pytest
from aiosmtplib.email import flatten_message
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.outbound import MailThreading, OutboundMessageRequested
from contracts.people import Attachment, Party
from contracts.settings import SupportAddress
from notifier import agent_html
from notifier.mail import compose_mail
from notifier.reply_page import page_of

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def request(text: str = "On its way.", **more: object) -> OutboundMessageRequested:
    """A reply to send."""
    facts = {
        "id": "evt_1",
        "account_id": "acc_1",
        "time": NOON,
        "message_id": "msg_1",
        "channel": "email",
        "purpose": "reply",
        "contact_key": "zoe@customer.example",
        "recipient": Party(email="zoe@customer.example"),
        "sender": "support@acme.example",
        "text": text,
        "mail": MailThreading(message_id="ours@acme.example"),
    }
    return OutboundMessageRequested.model_validate(facts | more)


@pytest.mark.parametrize(
    ("text", "page"),
    [
        ("One", "<p>One</p>"),
        ("One\ntwo\n\nThree\n", "<p>One<br>\ntwo</p>\n<p>Three</p>"),
        ("One\r\n \r\n\r\nTwo", "<p>One</p>\n<p>Two</p>"),
        ("<b>no</b> & co", "<p>&lt;b&gt;no&lt;/b&gt; &amp; co</p>"),
        (
            "See https://a.example/?b=1&c=2.",
            '<p>See <a href="https://a.example/?b=1&amp;c=2">https://a.example/?b=1&amp;c=2</a>.</p>',
        ),
        (
            'javascript:alert(1) https://a.example/"onclick="x',
            '<p>javascript:alert(1) <a href="https://a.example/">https://a.example/</a>"onclick="x</p>',
        ),
        (" \n\n ", ""),
        ("", ""),
    ],
)
def test_text_becomes_paragraphs_with_links(text: str, page: str) -> None:
    """The same words, escaped; an empty line begins a paragraph, an address on the web leads there."""
    assert page_of(text) == page


@settings(max_examples=60)
@given(st.text(alphabet="ab <>&\"'\n\r./:;hтps", max_size=60))
def test_the_allow_list_of_replies_has_nothing_to_take_from_the_page(text: str) -> None:
    """Whatever was typed, the page is made of paragraphs, line breaks and links alone (S4)."""
    page = page_of(f"{text} https://a.example/{text}")

    assert agent_html.clean(page) == page.strip()


def test_every_mail_has_text_and_page_from_one_reply() -> None:
    """A reply without HTML leaves as both, with the address' signature below each (X8)."""
    mail = compose_mail(request("Hello\n\nIt is on its way."), SupportAddress(signature="Acme Ltd"), [], NOON)
    read = message_from_bytes(mail.as_bytes(), policy=default)
    plain, page = read.get_body(("plain",)), read.get_body(("html",))

    assert read.get_content_type() == "multipart/alternative"
    assert plain is not None
    assert plain.get_content() == "Hello\r\n\r\nIt is on its way.\r\n\r\n-- \r\nAcme Ltd\r\n"
    assert page is not None
    assert page.get_content().replace("\r\n", "\n").strip() == (
        "<p>Hello</p>\n<p>It is on its way.</p>\n<div>-- <br>\nAcme Ltd</div>"
    )


def test_a_mail_without_a_thread_has_a_name_of_its_own() -> None:
    """Every mail has a Message-ID at the sender's own domain, and a date (RFC 5322; what a signature covers)."""
    mail = compose_mail(request(mail=None), SupportAddress(), [], NOON)

    assert mail["Message-ID"] == "<msg_1@acme.example>"
    assert mail["Date"] == "Sun, 22 Nov 2026 12:00:00 +0000"


@settings(max_examples=30)
@given(text=st.text(max_size=200), subject=st.text(max_size=120), name=st.text(max_size=80))
def test_a_mail_travels_in_seven_bits_and_whole_lines(text: str, subject: str, name: str) -> None:
    """No bare CR or LF, no NUL in a header, nothing that a relay would recode: what is signed stays as it is (S4)."""
    file = Attachment(id="att_1", name=name, content_type="application/pdf", size=3, blob_key="k")
    given = request(f"{text}\rx\ny" + "z" * 1100, subject=subject, author_name=name)
    mail = compose_mail(given, SupportAddress(signature=name), [(file, b"\r\n\x00")], NOON)
    wire = flatten_message(mail, utf8=False, cte_type="8bit")
    head = wire.split(b"\r\n\r\n", 1)[0]

    assert wire.isascii()
    assert wire.count(b"\r") == wire.count(b"\n") == wire.count(b"\r\n")
    assert max(map(len, wire.split(b"\r\n"))) <= 998
    assert b"\0" not in head
