"""Hostile mail by the real door: each accepted one ends in a message or a verdict, and other mail goes on (I2, I6)."""

from typing import Any

import aiosmtplib

from contracts.inbound import InboundMessageReceived
from contracts.intake import IntakeVerdictRecorded
from service_kit.testing.eventually import eventually

HEAD = b"From: jane@customer.example\r\nMessage-ID: <%s@customer.example>\r\n"
PAGE = b"Content-Type: text/html\r\n\r\n"
HOSTILE = {
    "nested multiparts": b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(99)
    ),
    "an encoded-word bomb": b"Subject: " + b"=?utf-8?q?a?= " * 4000 + b"\r\n\r\nhi",
    "an address bomb": b"To: " + b"a@b.example, " * 4000 + b"\r\n\r\nhi",
    "a header block without end": b"X: " + b"x" * 100_000 + b"\r\n\r\nhi",
    "HTML that takes the square of its size": PAGE + b"<div>" * 50_000,
    "HTML that stalls": PAGE + b"&" * 990_000,
    "quotes that take the square of their size": b"\r\n" + b"On\r\n" * 2000,
    "bare line ends": b"Subject: a\rb\nc\r\n\r\nx\n.\ny\r.\rz",
    "a header within a name": b'From: "=?utf-8?q?a=0D=0ABcc=3A_x?=" <j@customer.example>\r\n\r\nhi',
    "a charset that lies": b"Content-Type: text/plain; charset=punycode\r\n\r\n" + b"a" * 100_000,
    "two Message-IDs": b"Message-ID: <other@customer.example>\r\n\r\nhi",
    "nobody": b"\r\nhi",
}


async def test_every_hostile_mail_has_its_end_and_others_go_on(serving: Any) -> None:
    """One ordinary mail behind each: all of these are read whole, and no hostile one is without an answer."""
    async with serving(parse_timeout_seconds=1.5) as email:
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=email.port, start_tls=False, timeout=30) as client:
            for number, (name, rest) in enumerate(HOSTILE.items()):
                author = b"" if name == "nobody" else HEAD % b"%d" % number
                sender = "" if name == "nobody" else "jane@customer.example"
                plain = b"From: bob@customer.example\r\nMessage-ID: <o%d@c.example>\r\n\r\nHello\r\n" % number
                await client.sendmail(sender, ["support@acme.example"], author + rest)
                await client.sendmail("bob@customer.example", ["support@acme.example"], plain)
        await eventually(lambda: len(email.events) == 2 * len(HOSTILE), seconds=40)

    messages = [event for event in email.events if isinstance(event, InboundMessageReceived)]
    verdicts = [event for event in email.events if isinstance(event, IntakeVerdictRecorded)]
    ordinary = [event for event in messages if event.contact_key == "bob@customer.example"]
    errors = {str(event.parse_error).partition(":")[0] for event in messages} - {"None"}

    assert len(ordinary) == len(HOSTILE)
    assert all((event.text, event.parse_error) == ("Hello", None) for event in ordinary)
    assert [verdict.reason for verdict in verdicts] == ["no_sender"]
    assert errors >= {"timeout", "depth_over_limit", "header_block_over_limit"}
