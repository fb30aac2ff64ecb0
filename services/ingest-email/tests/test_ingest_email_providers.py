"""What each mail provider sends, taken apart without a service: fields, proofs, and the raw bytes untouched."""

import base64
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest

from contracts.settings import EmailSettings
from ingest_email.webhooks import mailgun, postmark, sendgrid
from ingest_email.webhooks.form_data import MAX_FIELDS, FormError, read_form
from ingest_email.webhooks.provider import MalformedCallError, RawMailMissingError, WebhookCall, has_basic

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
RAW = b"From: jane@customer.example\r\nSubject: caf\xe9\r\n\r\nnot UTF-8: \xff\xfe\r\n"
FORM = "application/x-www-form-urlencoded"

# `printf 1795338000f2e | openssl dgst -sha256 -hmac key-1`
MAILGUN_TIMESTAMP = "1795338000"
SIGNATURE = "b014f98320d67dba05dd9e6d2fadbd2c5c589a1181d3d87730f4fc99baa820f5"


def call(body: bytes, *, content_type: str = FORM, source: str = "198.51.100.7", **headers: str) -> WebhookCall:
    """A call as the door hands it on; underscores of header names stand for hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return WebhookCall({"content-type": content_type, **named}, body, source, NOW)


def multipart(**fields: bytes) -> tuple[bytes, str]:
    """A form as senders of files write it, and its content type."""
    parts = [
        b'--line\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name.replace("_", "-").encode(), value)
        for name, value in fields.items()
    ]
    return b"".join(parts) + b"--line--\r\n", "multipart/form-data; boundary=line"


def basic(username: str, password: str) -> str:
    """The header of basic authentication."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def test_a_raw_mail_survives_both_kinds_of_form() -> None:
    """Bytes that are no text in any one charset come out of a form as they went in (X0)."""
    plain = read_form(urlencode({"body-mime": RAW, "recipient": "a+b@c.example"}).encode(), FORM)
    in_parts = read_form(*multipart(body_mime=RAW, recipient=b"a+b@c.example"))

    assert plain == in_parts == {"body-mime": RAW, "recipient": b"a+b@c.example"}


def test_a_file_name_is_not_the_name_of_its_field() -> None:
    """A field with a file is named by `name`, wherever that stands."""
    body = b'--x\r\nContent-Disposition: form-data; filename="b.eml"; name="email"\r\n\r\nhi\r\n--x--'

    assert read_form(body, 'multipart/form-data; boundary="x"') == {"email": b"hi"}


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"a=1", "text/plain"),
        (b"a=1", "multipart/form-data"),
        (b"--x\r\n\r\n\r\nno name\r\n--x--", "multipart/form-data; boundary=x"),
        (b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nno end', "multipart/form-data; boundary=x"),
        (b"&".join([b"a=1"] * (MAX_FIELDS + 1)), FORM),
        (b"--x\r\n" * (MAX_FIELDS + 10), "multipart/form-data; boundary=x"),
    ],
)
def test_what_is_no_form_is_refused(body: bytes, content_type: str) -> None:
    """Other media types, missing ends and names, and forms with more fields than anybody sends are refused."""
    with pytest.raises(FormError):
        read_form(body, content_type)


def mailgun_form(**changes: str | bytes) -> dict[str, str | bytes]:
    """A Mailgun call signed with `key-1` at NOW."""
    fields: dict[str, str | bytes] = {
        "recipient": "support@acme.example",
        "sender": "jane@customer.example",
        "body-mime": RAW,
        "timestamp": MAILGUN_TIMESTAMP,
        "token": "f2e",
        "signature": SIGNATURE,
    }
    return {**fields, **changes}


@pytest.mark.parametrize(
    ("key", "timestamp", "signature", "late", "expected"),
    [
        ("key-1", MAILGUN_TIMESTAMP, SIGNATURE, timedelta(0), True),
        ("key-1", MAILGUN_TIMESTAMP, SIGNATURE, mailgun.WINDOW, True),
        ("key-1", MAILGUN_TIMESTAMP, SIGNATURE, mailgun.WINDOW + timedelta(seconds=1), False),
        ("key-1", MAILGUN_TIMESTAMP, SIGNATURE, -mailgun.WINDOW - timedelta(seconds=1), False),
        ("key-2", MAILGUN_TIMESTAMP, SIGNATURE, timedelta(0), False),
        ("key-1", "1795338001", SIGNATURE, timedelta(0), False),
        ("key-1", MAILGUN_TIMESTAMP, "", timedelta(0), False),
        ("key-1", MAILGUN_TIMESTAMP, "é", timedelta(0), False),
    ],
)
def test_mailgun_signs_timestamp_and_token(
    key: str, timestamp: str, signature: str, late: timedelta, *, expected: bool
) -> None:
    """A signature holds for its key, timestamp and token, and for five minutes either way."""
    assert mailgun.is_signed(key, timestamp, "f2e", signature, now=NOW + late) is expected


def test_a_mailgun_call_is_read() -> None:
    """Recipients may be several; the null sender of a bounce is empty; the account's key proves the call."""
    form = mailgun_form(recipient="support@acme.example, help@acme.example", sender="<>")
    mail = mailgun.read(call(urlencode(form).encode()))

    assert (mail.content, mail.envelope_sender, mail.token) == (RAW, "", "f2e")
    assert mail.recipients == ("support@acme.example", "help@acme.example")
    assert mail.is_proven(EmailSettings.model_validate({"mailgun": {"signing_key": "key-1"}}))
    assert not mail.is_proven(EmailSettings.model_validate({"mailgun": {"signing_key": "key-2"}}))
    assert not mail.is_proven(EmailSettings())


def test_mailguns_own_reading_of_a_mail_is_refused_with_what_to_change() -> None:
    """Without the raw mail the call says how the route has to end."""
    form = {name: value for name, value in mailgun_form().items() if name != "body-mime"}
    with pytest.raises(RawMailMissingError, match="/inbound/mime"):
        mailgun.read(call(urlencode({**form, "body-plain": "Hello"}).encode()))


# From the tests of Twilio's own library, sendgrid-python (test/unit/test_eventwebhook.py).
SENDGRID_KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfS"
    "mpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g=="
)
SENDGRID_SIGNATURE = "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM="
SENDGRID_TIMESTAMP = "1600112502"
SENDGRID_EVENT = {
    "email": "hello@world.com",
    "event": "dropped",
    "reason": "Bounced Address",
    "sg_event_id": "ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA",
    "sg_message_id": "LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0",
    "smtp-id": "<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>",
    "timestamp": 1600112492,
}
SENDGRID_PAYLOAD = (json.dumps([SENDGRID_EVENT], sort_keys=True, separators=(",", ":")) + "\r\n").encode()


@pytest.mark.parametrize(
    ("body", "timestamp", "signature", "expected"),
    [
        (SENDGRID_PAYLOAD, SENDGRID_TIMESTAMP, SENDGRID_SIGNATURE, True),
        (SENDGRID_PAYLOAD.strip(), SENDGRID_TIMESTAMP, SENDGRID_SIGNATURE, False),
        (SENDGRID_PAYLOAD, "1600112503", SENDGRID_SIGNATURE, False),
        (SENDGRID_PAYLOAD, SENDGRID_TIMESTAMP, "not base64", False),
        (SENDGRID_PAYLOAD, SENDGRID_TIMESTAMP, "", False),
    ],
)
def test_sendgrid_signs_timestamp_and_body(body: bytes, timestamp: str, signature: str, *, expected: bool) -> None:
    """The provider's own test vector holds, and nothing that differs from it."""
    signed = call(
        body,
        **{sendgrid.TIMESTAMP_HEADER.replace("-", "_"): timestamp},
        x_twilio_email_event_webhook_signature=signature,
    )

    assert sendgrid.is_signed(SENDGRID_KEY, signed) is expected


def test_where_sendgrid_has_a_key_basic_credentials_are_not_enough() -> None:
    """Basic credentials count only for accounts that set no key."""
    body, content_type = multipart(email=RAW, envelope=b'{"to": ["support@acme.example"], "from": "jane@x.example"}')
    mail = sendgrid.read(call(body, content_type=content_type, authorization=basic("in", "secret")))
    credentials = {"basic": {"username": "in", "password": "secret"}}

    assert (mail.content, mail.recipients, mail.envelope_sender) == (RAW, ("support@acme.example",), "jane@x.example")
    assert mail.is_proven(EmailSettings.model_validate({"sendgrid": credentials}))
    assert not mail.is_proven(EmailSettings.model_validate({"sendgrid": {**credentials, "public_key": SENDGRID_KEY}}))
    assert not mail.is_proven(EmailSettings())


@pytest.mark.parametrize("envelope", [b"", b"{}", b"[]", b'{"to": "support@acme.example"}', b"\xff"])
def test_a_sendgrid_call_without_envelope_is_malformed(envelope: bytes) -> None:
    """Nobody guesses recipients from headers."""
    body, content_type = multipart(email=RAW, envelope=envelope)
    with pytest.raises(MalformedCallError):
        sendgrid.read(call(body, content_type=content_type))


def test_sendgrids_own_reading_of_a_mail_is_refused_with_what_to_change() -> None:
    """Without the raw mail the call names the option."""
    body, content_type = multipart(text=b"Hello", envelope=b'{"to": ["a@b.example"], "from": "c@d.example"}')
    with pytest.raises(RawMailMissingError, match="POST the raw, full MIME message"):
        sendgrid.read(call(body, content_type=content_type))


def postmark_call(*, source: str = "198.51.100.7", authorization: str = "", **fields: str) -> WebhookCall:
    """A call of Postmark."""
    given = {"OriginalRecipient": "support@acme.example", "From": "jane@x.example", **fields}
    return call(json.dumps(given).encode(), content_type="application/json", source=source, authorization=authorization)


@pytest.mark.parametrize(
    ("settings", "source", "password", "expected"),
    [
        ({"username": "in", "password": "secret"}, "192.0.2.1", "secret", True),
        ({"username": "in", "password": "secret"}, "192.0.2.1", "wrong", False),
        ({"ips": ["198.51.100.0/24"]}, "198.51.100.7", "", True),
        ({"ips": ["198.51.100.0/24"]}, "::ffff:198.51.100.7", "", True),
        ({"ips": ["198.51.100.0/24"]}, "192.0.2.1", "", False),
        ({"ips": ["198.51.100.0/24"]}, "unknown", "", False),
        ({"username": "in", "password": "secret", "ips": ["198.51.100.7"]}, "198.51.100.7", "wrong", False),
        ({"username": "in", "password": "secret", "ips": ["198.51.100.7"]}, "192.0.2.1", "secret", False),
        ({}, "198.51.100.7", "secret", False),
    ],
)
def test_postmark_must_fit_every_proof_that_is_set(
    settings: dict[str, object], source: str, password: str, *, expected: bool
) -> None:
    """Credentials and addresses both count where both are set; where none is, nothing is proven."""
    mail = postmark.read(postmark_call(source=source, authorization=basic("in", password), RawEmail="Subject: x\n\n"))

    assert mail.is_proven(EmailSettings.model_validate({"postmark": settings})) is expected


def test_a_postmark_call_names_its_sender_by_return_path_or_author() -> None:
    """An empty reverse-path means a bounce, so that a missing one must not look like it."""
    bounce = postmark.read(postmark_call(RawEmail="Return-Path: <>\nSubject: x\n\nHello"))
    plain = postmark.read(postmark_call(RawEmail="Subject: x\n\nHello é"))

    assert (bounce.envelope_sender, plain.envelope_sender) == ("", "jane@x.example")
    assert plain.content == "Subject: x\n\nHello é".encode()


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"OriginalRecipient": 1}', b"\xff", b"[" * 100_000])
def test_what_is_not_postmarks_json_is_malformed(body: bytes) -> None:
    """Whatever comes, the answer is a refusal."""
    with pytest.raises(MalformedCallError):
        postmark.read(call(body, content_type="application/json"))


def test_postmarks_own_reading_of_a_mail_is_refused_with_what_to_change() -> None:
    """Without the raw mail the call names the option."""
    with pytest.raises(RawMailMissingError, match="Include raw email content in JSON payload"):
        postmark.read(postmark_call(TextBody="Hello"))


@pytest.mark.parametrize("header", ["", "Basic", "Basic !!!", "Bearer aW46c2VjcmV0", basic("in", "secre"), "Basic é"])
def test_anything_but_the_right_basic_credentials_is_refused(header: str) -> None:
    """Malformed headers are wrong ones."""
    assert not has_basic({"authorization": header}, "in", "secret")
