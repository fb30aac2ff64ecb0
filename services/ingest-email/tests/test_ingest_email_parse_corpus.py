"""The mails of the corpus, each as a sender of that kind writes them."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from ingest_email.parsing.invitation import invitation_line
from ingest_email.parsing.model import MailBody, ParsedMail
from ingest_email.parsing.parse import parse


@pytest.fixture
def parsed(mail: Callable[[str], bytes]) -> Callable[[str], ParsedMail]:
    """A mail of the corpus, parsed."""
    return lambda name: parse(mail(name), envelope_sender="envelope@mx.example")


def test_plain(parsed: Any) -> None:
    """Author, subject, date and text of a simple mail; the signature is set apart (X6)."""
    seen = parsed("plain")

    assert (seen.head.from_name, seen.head.from_email) == ("Jane Roe", "jane@customer.example")
    assert (seen.head.subject, seen.head.message_id) == ("Where is my order?", "plain-1@customer.example")
    assert seen.head.sent_at == datetime(2026, 11, 10, 8, 15, tzinfo=UTC)
    assert seen.head.to == ("support@acme.example",)
    assert seen.body.text == "Hello,\n\nmy order 4711 has not arrived. It was due on Monday.\n\nJane"
    assert seen.body.quoted_text == "-- \nJane Roe\nSent from a small island"
    assert (seen.body.html, seen.body.files, seen.head.automatic) == (None, (), None)


def test_alternative_with_inline_image(parsed: Any) -> None:
    """Text and HTML of one alternative; the inline image is a file that the HTML can show (X6), nothing else is."""
    seen = parsed("alternative_inline_image")
    [image] = seen.body.files

    assert seen.head.subject == "Photo de la commande abîmée"
    assert (seen.head.from_name, seen.head.from_email) == ("Renée Dupont", "renee@customer.example")
    assert seen.body.text == "Voilà la photo."
    assert '<img src="cid:photo@customer.example">' in seen.body.html
    assert seen.body.html.count("tracker.example") == seen.body.html.count('src="remote:https://tracker.example/') == 1
    assert "steal" not in seen.body.html
    assert (image.name, image.content_type, image.content_id) == ("photo.png", "image/png", "photo@customer.example")
    assert seen.contents[0].startswith(b"\x89PNG")
    assert image.size == len(seen.contents[0])


def test_attachment_with_an_encoded_name_and_a_path(parsed: Any) -> None:
    """A name in RFC 2231 is decoded, and loses the folders it tries to bring along."""
    seen = parsed("attachment")
    [file] = seen.body.files

    assert (file.name, file.content_type, file.content_id) == ("rechnung über 4711.pdf", "application/pdf", None)
    assert seen.contents == (b"%PDF-1.4\n% not really\n",)


def test_french_reply(parsed: Any) -> None:
    """History is cut where it is introduced, though that line is wrapped; threading ids are kept (X6, X2)."""
    seen = parsed("french_reply")

    assert seen.body.text == "Bonjour,\n\nLe colis est arrivé, merci beaucoup !\n\nLuc"
    assert seen.body.quoted_text.startswith("Le mar. 10 nov. 2026 à 08:02, Acme Support")
    assert seen.head.in_reply_to == ("tic.1.2.sig@acme.example",)
    assert seen.head.references == ("first@customer.example", "tic.1.2.sig@acme.example")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("mislabelled_utf8", "Die Größe ist falsch, bitte „zurück“."),
        ("mislabelled_latin1", "Où est ma commande ? Elle devait arriver il y a déjà une semaine."),
    ],
)
def test_a_wrong_charset_label_is_seen_through(parsed: Any, name: str, text: str) -> None:
    """UTF-8 that claims to be Latin-1, and the other way round, read as they were written (X6)."""
    assert parsed(name).body.text == text


def test_a_winmail_with_nothing_in_it_is_kept_as_a_file(parsed: Any) -> None:
    """TNEF does not disturb the rest of the mail (X6); `test_ingest_email_tnef.py` has those with something in them."""
    seen = parsed("winmail")

    assert seen.body.text == "See the attached contract."
    assert [file.name for file in seen.body.files] == ["winmail.dat"]


@pytest.mark.parametrize(
    ("name", "kind", "rule"),
    [
        ("out_of_office", "auto_reply", "auto_submitted"),
        ("bounce", "bounce", "delivery_status_report"),
        ("newsletter", "list", "list_id"),
    ],
)
def test_automatic_mail_is_marked(parsed: Any, name: str, kind: str, rule: str) -> None:
    """A machine's mail says why it counts as one (X7)."""
    mark = parsed(name).head.automatic

    assert (mark.kind, mark.rule) == (kind, rule)


def test_bounce_keeps_its_report(parsed: Any) -> None:
    """The human text is the text; the report and the returned mail are files (X7)."""
    seen = parsed("bounce")

    assert seen.body.text == "The mail could not be delivered."
    assert [file.content_type for file in seen.body.files] == ["message/delivery-status", "message/rfc822"]
    assert b"Status: 5.1.1" in seen.contents[0]
    assert b"Message-ID: <tic.1.2.sig@acme.example>" in seen.contents[1]


def test_no_message_id(parsed: Any) -> None:
    """A mail without Message-ID gets a name of its own (X4)."""
    head = parsed("no_message_id").head

    assert head.message_id is None
    assert head.synthetic_id.startswith("mid_")


def test_forwarded_mail_is_shown_whole(parsed: Any) -> None:
    """What was forwarded is what the customer wants read: in the text it stays, as a mail it is a file (X6)."""
    seen = parsed("forwarded")

    assert seen.body.text.endswith("Thank you for order 4711.")
    assert seen.body.quoted_text is None
    assert [file.name for file in seen.body.files] == ["attachment-1.eml"]
    assert b"Message-ID: <shop-1@shop.example>" in seen.contents[0]


def test_html_only(parsed: Any) -> None:
    """A mail without plain text gets it from its HTML."""
    body: MailBody = parsed("html_only").body

    assert body.text == "Pedido 4711\n\n¿Dónde está mi pedido?\n\n  * uno\n  * dos"
    assert body.html is not None


def test_calendar_invite(parsed: Any) -> None:
    """An invitation is a file beside the text (X6)."""
    body = parsed("calendar_invite").body

    assert body.text == "Can we talk on Friday?"
    assert [(file.name, file.content_type) for file in body.files] == [("attachment-1.ics", "text/calendar")]


def test_an_invitation_without_text_says_what_and_when(parsed: Any) -> None:
    """A mail that is nothing but an invitation has a line to read, and the invitation to open (X6)."""
    body = parsed("calendar_only").body

    assert body.text == "Invitation: Order 4711, what now? And then, 2026-11-27 10:00 (Europe/Paris)"
    assert [(file.name, file.content_type) for file in body.files] == [("invite.ics", "text/calendar")]


@pytest.mark.parametrize(
    ("calendar", "line"),
    [
        (
            "METHOD:CANCEL\nBEGIN:VEVENT\nSUMMARY:Call\nDTSTART:20261127T090000Z\nEND:VEVENT",
            "Cancelled: Call, 2026-11-27 09:00 UTC",
        ),
        ("BEGIN:VEVENT\nDTSTART;VALUE=DATE:20261127\nEND:VEVENT", "Event: 2026-11-27"),
        ("METHOD:REQUEST\nBEGIN:VEVENT\nDTSTART:soon\nSUMMARY:\nEND:VEVENT", ""),
        ("SUMMARY:of no event", ""),
        ("", ""),
        ("BEGIN:VEVENT\n" + "SUMMARY;" * 20_000, ""),
    ],
    ids=range(6),
)
def test_the_line_of_an_invitation(calendar: str, line: str) -> None:
    """Summary, start and method where they are given; a calendar without an event has no line."""
    assert invitation_line(calendar) == line


def test_embedded_mails_are_files_that_a_mail_program_opens(parsed: Any) -> None:
    """Every mail within a mail is an `.eml` of its own, in a digest too, and its text is not the customer's (X6)."""
    seen = parsed("digest")

    assert seen.body.text == "Both say something else."
    assert [file.name for file in seen.body.files] == ["attachment-1.eml", "attachment-2.eml", "again.eml"]
    assert {file.content_type for file in seen.body.files} == {"message/rfc822"}
    assert [b"<shop-%d@shop.example>" % number in seen.contents[number - 1] for number in (1, 2, 3)] == [True] * 3
    assert b"It comes on Tuesday." in seen.contents[1]


def test_limits_name_what_was_left_out() -> None:
    """Text, HTML and files over their limits are cut, and the mail says so instead of hiding it."""
    files = b"".join(b"--b\r\nContent-Type: image/png\r\n\r\nx\r\n" for _ in range(101))
    page = b"--b\r\nContent-Type: text/html\r\n\r\n" + b"<p>x</p>" * 60_000 + b"\r\n"
    text = b"--b\r\nContent-Type: text/plain\r\n\r\n" + b"word " * 30_000 + b"\r\n"
    raw = b"From: a@b.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + text + page + files + b"--b--\r\n"

    body = parse(raw, envelope_sender="a@b.example").body

    assert body.left_out == ("text_over_limit", "html_over_limit", "files_over_limit")
    assert len(body.text) <= 128 * 1024
    assert body.html is None
    assert len(body.files) == 100


def test_broken_mime_is_shown_as_it_is() -> None:
    """A multipart whose boundary never comes is text, rather than nothing (X6)."""
    raw = b"From: a@b.example\r\nContent-Type: multipart/mixed; boundary=nowhere\r\n\r\nHello all the same\r\n"

    assert parse(raw, envelope_sender="a@b.example").body.text == "Hello all the same"
