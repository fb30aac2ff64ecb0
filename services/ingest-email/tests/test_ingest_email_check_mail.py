"""Mails of a forwarding check, when they come back: told to the notifier, in no ticket."""

from collections.abc import Sequence
from typing import Any

from contracts.envelope import Event
from contracts.inbound import InboundMessageReceived
from contracts.intake import IntakeVerdictRecorded
from contracts.mail import MailCheckSeen
from contracts.topics import MAIL_BOUNCES
from service_kit.bus import Subscription
from service_kit.mail_checks import CheckMail
from service_kit.testing.eventually import eventually
from service_kit.testing.platforms import PlatformFactory

CHECK = "fwc_" + "a" * 24
MAIL = """\
From: Deskbus <support@acme.example>
To: {to}
Subject: Does mail to this address arrive?
Message-ID: <{mail_id}>
Auto-Submitted: auto-generated

This mail was sent to see whether it arrives.
"""
REPORT = """\
From: Mail Delivery System <mailer-daemon@mx.example>
To: support@acme.example
Subject: Undelivered Mail Returned to Sender
Message-ID: <report@mx.example>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="rep"

--rep
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; support+tag@acme.example
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 No such user here

--rep
Content-Type: text/rfc822-headers

Message-ID: <{mail_id}>
--rep--
"""


async def test_a_check_that_comes_back_is_told_and_opens_nothing(serving: Any, make_platform: PlatformFactory) -> None:
    """Each mail of a check, and a report about one, ends in a verdict (I2); a forged name is a mail like any other."""
    told: list[MailCheckSeen] = []
    notifier = make_platform("notifier")

    async def take(events: Sequence[Event]) -> None:
        told.extend(event for event in events if isinstance(event, MailCheckSeen))

    notifier.bus.subscribe(Subscription(MAIL_BOUNCES, "notifier", take))
    await notifier.bus.start()
    async with serving() as email:
        signer = email.platform.signer
        plain, tagged = (
            CheckMail(CHECK, 3, variant).mail_id(signer, "acc_1", "acme.example") for variant in ("plain", "tagged")
        )
        foreign = CheckMail(CHECK, 3, "plain").mail_id(signer, "acc_2", "acme.example")
        for content in (
            MAIL.format(to="support@acme.example", mail_id=plain),
            REPORT.format(mail_id=tagged),
            MAIL.format(to="support@acme.example", mail_id=foreign),
        ):
            await email.send(content.replace("\n", "\r\n").encode(), sender="support@acme.example")
        await eventually(lambda: len(email.events) == 3 and len(told) == 2)
    await notifier.bus.stop()
    verdicts = [event for event in email.events if isinstance(event, IntakeVerdictRecorded)]
    (ordinary,) = (event for event in email.events if isinstance(event, InboundMessageReceived))

    assert [(one.check_id, one.run, one.variant, one.outcome) for one in sorted(told, key=lambda one: one.variant)] == [
        (CHECK, 3, "plain", "arrived"),
        (CHECK, 3, "tagged", "returned"),
    ]
    assert {one.reason for one in told} == {None, "550 5.1.1 No such user here"}
    assert {(one.verdict, one.rule, one.ticket_id) for one in verdicts} == {("automatic", "forwarding_check", None)}
    assert len(verdicts) == 2
    assert ordinary.provider_message_id == foreign
