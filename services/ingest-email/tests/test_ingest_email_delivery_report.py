"""Delivery reports: whom a mail did not reach, which mail it was, and which reports are no bounces (X7)."""

from collections.abc import Sequence
from typing import Any

import pytest

from contracts.envelope import Event
from contracts.inbound import InboundMessageReceived
from contracts.mail import MailBounced
from contracts.topics import MAIL_BOUNCES
from ingest_email.parsing.model import AutomaticMark, FailedRecipient, MailHead
from ingest_email.parsing.parse import parse
from service_kit.bus import Subscription
from service_kit.platform import Platform
from service_kit.testing.eventually import eventually

# As Postfix 3.7 writes it, with the header of the mail only.
POSTFIX = """\
Return-Path: <>
From: MAILER-DAEMON@mx.acme.example (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: support@acme.example
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="2F"
Message-Id: <20261122.2F@mx.acme.example>

--2F
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mx.acme.example.
--2F
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.acme.example
X-Postfix-Queue-ID: 8C1D
X-Postfix-Sender: rfc822; support@acme.example
Arrival-Date: Sun, 22 Nov 2026 09:00:00 +0000 (UTC)

Final-Recipient: rfc822; Gone@customer.example
Original-Recipient: rfc822;gone@customer.example
Action: {action}
Status: 5.1.1
Remote-MTA: dns; mx.customer.example
Diagnostic-Code: smtp; 550 5.1.1 <gone@customer.example>:
    Recipient address rejected: User unknown

--2F
Content-Description: Undelivered Message Headers
Content-Type: text/rfc822-headers

Return-Path: <support@acme.example>
Subject: Your order
Message-ID: <{reported}>
--2F--
"""

# As Exchange Online writes it: the mail itself comes back, two recipients, one of them late only.
EXCHANGE = """\
From: <postmaster@outlook.example>
To: <support@acme.example>
Subject: Undeliverable: Your order
Content-Type: multipart/report; report-type=delivery-status;
 boundary="e5"
MIME-Version: 1.0

--e5
Content-Type: multipart/alternative; boundary="alt"

--alt
Content-Type: text/plain; charset="us-ascii"

Delivery has failed to these recipients or groups.
--alt--
--e5
Content-Type: message/delivery-status

Reporting-MTA: dns;AM9PR0.outlook.example

Final-Recipient: RFC822;full@customer.example
Action: failed
Status: 5.2.2
Diagnostic-Code: smtp;552 5.2.2 mailbox full

Final-Recipient: RFC822;slow@customer.example
Action: delayed
Status: 4.4.7

--e5
Content-Type: message/rfc822

From: support@acme.example
Message-ID: <{reported}>
Subject: Your order

Hello
--e5--
"""


def head_of(report: str, **words: str) -> MailHead:
    """The head of a report, parsed as in a parser process."""
    return parse(report.format(**words).replace("\n", "\r\n").encode(), envelope_sender="").head


def test_a_failure_names_recipient_status_words_and_mail() -> None:
    """A bounce says whom the mail did not reach and why, and refers to the mail that came back as a header."""
    head = head_of(POSTFIX, action="failed", reported="tic.1@acme.example")

    assert head.automatic == AutomaticMark("bounce", "delivery_status_report")
    assert head.references == ("tic.1@acme.example",)
    assert head.report is not None
    assert head.report.failed == (
        FailedRecipient(
            "gone@customer.example",
            "5.1.1",
            "550 5.1.1 <gone@customer.example>: Recipient address rejected: User unknown",
        ),
    )


def test_only_recipients_with_action_failed_are_failures() -> None:
    """A report over several recipients is a bounce for those it gave up on; the mail may come back whole."""
    head = head_of(EXCHANGE, reported="tic.2@acme.example")

    assert head.automatic is not None
    assert head.automatic.kind == "bounce"
    assert head.references == ("tic.2@acme.example",)
    assert head.report is not None
    assert [(one.address, one.status) for one in head.report.failed] == [("full@customer.example", "5.2.2")]


@pytest.mark.parametrize(
    ("action", "rule"),
    [
        ("delayed", "delivery_delayed"),
        ("Delayed (still trying)", "delivery_delayed"),
        ("delivered", "delivery_notice"),
        ("relayed", "delivery_notice"),
    ],
)
def test_a_report_of_no_failure_is_no_bounce(action: str, rule: str) -> None:
    """A mail that is late or has arrived has not failed."""
    head = head_of(POSTFIX, action=action, reported="tic.1@acme.example")

    assert head.automatic == AutomaticMark("auto_reply", rule)
    assert head.report is not None
    assert head.report.failed == ()


@pytest.mark.parametrize(
    "status",
    ["", "no fields at all", "Final-Recipient: rfc822; not an address\nAction: failed", "\n\n\n", "Action: failed"],
)
def test_a_report_that_says_nothing_is_still_a_bounce(status: str) -> None:
    """What calls itself a report and names nobody is kept as one, with nobody failed."""
    report = POSTFIX.partition("Reporting-MTA")[0] + f"Reporting-MTA: dns; x\n\n{status}\n--2F--\n"
    head = head_of(report)

    assert head.automatic == AutomaticMark("bounce", "delivery_status_report")
    assert head.report is None or head.report.failed == ()


def test_other_mail_has_no_report() -> None:
    """A person may send the parts of a report around; only a report is one."""
    mail = POSTFIX.replace("multipart/report; report-type=delivery-status", "multipart/mixed")
    mail = mail.replace("MAILER-DAEMON@mx.acme.example", "jane@customer.example").replace("Return-Path: <>\n", "", 1)

    said = mail.format(action="failed", reported="tic.1@acme.example").replace("\n", "\r\n").encode()
    head = parse(said, envelope_sender="jane@customer.example").head

    assert head.report is None


async def test_a_bounce_of_a_mail_that_we_signed_is_announced(serving: Any) -> None:
    """Whoever sends mail learns whom it did not reach; the report itself becomes a message of the ticket (X7)."""
    ticket, message = "a" * 24, "b" * 24
    heard: list[Event] = []

    async def note(events: Sequence[Event]) -> None:
        heard.extend(events)

    def listening(platform: Platform) -> Platform:
        platform.bus.subscribe(Subscription(MAIL_BOUNCES, "notifier", note))
        return platform

    async with serving(change=listening) as email:
        signature = email.platform.signer.sign("message-id", "acc_1", ticket, message)
        ours = POSTFIX.format(action="failed", reported=f"tic.{ticket}.{message}.{signature}@acme.example")
        forged = POSTFIX.format(action="failed", reported=f"tic.{ticket}.{message}.{'a' * 16}@acme.example")
        await email.send(forged.replace("\n", "\r\n").encode(), sender="")
        await email.send(ours.replace("\n", "\r\n").replace("20261122", "2").encode(), sender="")
        [bounce] = await eventually(lambda: heard)
        await eventually(lambda: len(email.events) == 2)

    assert isinstance(bounce, MailBounced)
    assert (bounce.account_id, bounce.ticket_id, bounce.message_id) == ("acc_1", f"tic_{ticket}", f"msg_{message}")
    assert (bounce.recipient, bounce.status) == ("gone@customer.example", "5.1.1")
    assert len(heard) == 1
    received = [event for event in email.events if isinstance(event, InboundMessageReceived) and event.mail]
    assert {event.automatic.rule for event in received if event.automatic} == {"delivery_status_report"}
