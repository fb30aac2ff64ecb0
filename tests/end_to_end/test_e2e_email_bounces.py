"""A reply that comes back as undeliverable, from the mail server's report to the next reply."""

from typing import Any

import pytest

from end_to_end.company import Company
from end_to_end.until import until

REPORT = """\
From: Mail Delivery System <mailer-daemon@mx.example>
To: {support}
Subject: Undelivered Mail Returned to Sender
Message-ID: <report.{customer}>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="rep"

--rep
Content-Type: text/plain; charset=us-ascii

The mail could not be delivered.
--rep
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; {customer}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 No such user here

--rep
Content-Type: text/rfc822-headers

Message-ID: {message_id}
--rep--
"""


IN_WORDS = """\
From: MAILER-DAEMON@mx.example
To: {support}
Subject: failure notice
Message-ID: <report.{customer}>

Hi. This is the qmail-send program at mx.example.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<{customer}>:
Remote host said: 550 5.1.1 No such user here

--- Below this line is a copy of the message.

Message-ID: {message_id}
Subject: Re: your order
"""
"""As qmail writes it: no report, only words."""


def newest_delivery(company: Company, ticket_id: str, state: str) -> dict[str, Any]:
    """What became of the ticket's newest delivery, once it has that state."""

    def look() -> dict[str, Any] | None:
        items = company.owner.get("/v1/deliveries", ticket=ticket_id)["items"]
        return items[0] if items and items[0]["state"] == state else None

    return until(look)


@pytest.mark.parametrize("words", [REPORT, IN_WORDS], ids=["standard", "qmail"])
def test_a_reply_that_comes_back_has_failed_and_its_address_is_suppressed(shared_company: Company, words: str) -> None:
    """A bounce finds its ticket by the mail it reports, marks the reply failed, and stops mail to the address (X7)."""
    company = shared_company
    customer = company.customer("gone")
    ticket = company.opened_by_mail(customer)
    ours = company.reply_and_get_mail(ticket["id"], customer)
    company.delivery(ticket["id"], "sent")
    report = words.format(support=company.support, customer=customer, message_id=ours["Message-ID"])
    company.deliver("", report.replace("\n", "\r\n").encode())
    verdict = company.verdict(f"report.{customer}")
    failed = newest_delivery(company, ticket["id"], "failed")
    reply = company.messages(ticket["id"])[1]
    suppressed = until(lambda: list(company.owner.get("/v1/suppressions")["items"]))
    company.owner.post(f"/v1/tickets/{ticket['id']}/messages", {"text": "Once more"})
    refused = company.delivery(ticket["id"], "failed")
    company.owner.delete(f"/v1/suppressions/{customer}")

    assert (verdict["verdict"], verdict["ticket_id"]) == ("automatic", ticket["id"])
    assert reply["delivery"]["state"] == "failed"
    assert failed["reason"] == "bounced: 550 5.1.1 No such user here"
    assert customer in {one["address"] for one in suppressed}
    assert "550 5.1.1 No such user here" in refused["reason"]
    assert len(company.relay.mails_to(customer)) == 1
