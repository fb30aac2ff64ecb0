"""Input that is broken, too large, or for nobody."""

import smtplib

import pytest

from end_to_end.company import Company, Json
from end_to_end.mail import Mail, hand_over
from end_to_end.system import MAIL_SIZE_LIMIT_BYTES, RunningSystem
from end_to_end.until import until

BROKEN = {
    "no-end": "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nHello",
    "no-such-charset": 'Content-Type: text/plain; charset="klingon-1"\r\n\r\nHello',
    "bad-base64": "Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!!====????",
    "bad-type": "Content-Type: ///;;;=\r\nMIME-Version: what\r\n\r\nHello",
    "control-characters": "Subject: \x00\x01\x02\r\n\r\n\x00Hello\x1b[31m",
    "no-body": "Subject: That was all",
    "deep": "".join(f"Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n" for level in range(500)),
    "old-date": "Date: Thu, 99 Foo 1999 99:99:99 +9999\r\n\r\nHello",
}


def test_a_broken_mail_still_opens_a_ticket(shared_company: Company) -> None:
    """However broken a mail is, it opens a ticket of its sender and has one verdict (I2, I6)."""
    company = shared_company
    customers = {name: company.customer("broken") for name in BROKEN}
    for name, customer in customers.items():
        head = f"From: {customer}\r\nMessage-ID: <{name}.{customer}>\r\n"
        company.deliver(customer, (head + BROKEN[name] + "\r\n").encode())
    verdicts = {name: company.verdict(f"{name}.{customer}") for name, customer in customers.items()}
    tickets = {name: company.ticket(verdict["ticket_id"]) for name, verdict in verdicts.items()}

    assert {name: verdict["verdict"] for name, verdict in verdicts.items()} == dict.fromkeys(BROKEN, "created")
    assert {name: ticket["contact"]["email"] for name, ticket in tickets.items()} == customers
    assert {len(company.messages(ticket["id"])) for ticket in tickets.values()} == {1}


def test_bytes_of_no_encoding_are_taken(shared_company: Company) -> None:
    """Raw bytes in header and body are shown as well as they can be (I6, X6)."""
    company = shared_company
    customer = company.customer("bytes")
    content = (
        f"From: {customer}\r\nMessage-ID: <bytes.{customer}>\r\nSubject: ".encode() + b"\xff\xfe\x80\r\n\r\nna\xefve"
    )
    company.deliver(customer, content)
    ticket = company.ticket_of(f"bytes.{customer}")

    assert "na" in company.messages(ticket["id"])[0]["text"]


def test_a_mail_without_an_id_is_not_lost_and_not_doubled(shared_company: Company) -> None:
    """A mail without Message-ID gets one from its content: twice the same is one message (X4)."""
    company = shared_company
    customer = company.customer("anonymous")
    content = f"From: {customer}\r\nDate: Sat, 21 Nov 2026 10:00:00 +0000\r\nSubject: No id\r\n\r\nHello\r\n".encode()
    company.deliver(customer, content)
    company.deliver(customer, content)
    (ticket,) = until(lambda: company.owner.get("/v1/tickets", q=customer)["items"])

    def verdicts() -> list[Json]:
        listed = company.owner.get("/v1/intake", limit=200)["items"]
        ours = [one for one in listed if one["ticket_id"] == ticket["id"]]
        return ours if len(ours) == 2 else []

    entries = until(verdicts)

    assert sorted(one["verdict"] for one in entries) == ["created", "duplicate"]
    assert len({one["provider_message_id"] for one in entries}) == 1
    assert len(company.messages(ticket["id"])) == 1


def test_a_mail_from_nobody_is_quarantined(shared_company: Company) -> None:
    """A mail that names no sender at all is kept aside with a verdict that says why (I2, I6)."""
    company = shared_company
    company.deliver("", b"Message-ID: <nobody@nowhere.example>\r\nSubject: Boo\r\n\r\nBoo\r\n")
    verdict = company.verdict("nobody@nowhere.example")

    assert (verdict["verdict"], verdict["ticket_id"]) == ("quarantined", None)
    assert verdict["reason"]


def test_mail_for_an_unknown_address_is_refused(system: RunningSystem, shared_company: Company) -> None:
    """The door refuses recipients that nobody has, with 550, before it takes any content."""
    unknown = f"nobody@{shared_company.support.partition('@')[2]}"
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        hand_over(system.process.smtp_port, "somebody@mail.example", unknown, b"Subject: Hi\r\n\r\nHi\r\n")

    assert refused.value.recipients[unknown][0] == 550


def test_mail_over_the_limit_is_refused_and_the_next_is_taken(system: RunningSystem, shared_company: Company) -> None:
    """A mail over the limit is 552, also when its size is said beforehand; the connection goes on (I7)."""
    company = shared_company
    customer = company.customer("large")
    mail = Mail(customer, company.support)
    with smtplib.SMTP("127.0.0.1", system.process.smtp_port, timeout=30) as smtp:
        smtp.ehlo()
        told = smtp.mail(customer, [f"SIZE={MAIL_SIZE_LIMIT_BYTES + 1}"])
        smtp.rset()
        smtp.mail(customer)
        smtp.rcpt(company.support)
        sent = smtp.data(mail.content() + b"x" * MAIL_SIZE_LIMIT_BYTES)
        smtp.mail(customer)
        smtp.rcpt(company.support)
        small = smtp.data(mail.content())

    assert [told[0], sent[0], small[0]] == [552, 552, 250]
    assert str(MAIL_SIZE_LIMIT_BYTES).encode() in sent[1]
    assert company.verdict(mail.message_id)["verdict"] == "created"


@pytest.mark.parametrize(
    ("event", "code"),
    [
        ({}, "invalid_events"),
        (
            {"specversion": "1.0", "id": "1", "source": "/x", "type": "support.ticket.closed.v1", "data": {}},
            "invalid_events",
        ),
        (
            {
                "specversion": "1.0",
                "id": "1",
                "source": "/x",
                "type": "support.contact.updated.v1",
                "data": {"contact": {"phone": "0123"}},
            },
            "invalid_events",
        ),
        ([], "invalid_events"),
    ],
    ids=["empty", "not-an-outsiders-type", "not-a-phone-number", "empty-batch"],
)
def test_events_that_do_not_fit_are_refused_whole(shared_company: Company, event: object, code: str) -> None:
    """Reports of outside systems are checked at the door; a batch with a bad one is refused whole."""
    good = {
        "specversion": "1.0",
        "id": f"good-{code}",
        "source": "/tests",
        "type": "support.contact.updated.v1",
        "data": {"contact": {"email": "never@taken.example"}},
    }
    alone = shared_company.owner.refused("POST", "/v1/events", event)
    batch = shared_company.owner.refused("POST", "/v1/events", [good, event])

    assert [(one.status, one.code) for one in (alone, batch)] == [(422, code)] * 2
    assert shared_company.owner.get("/v1/contacts", q="never@taken.example")["items"] == []


def test_contacts_know_what_was_reported(shared_company: Company) -> None:
    """Facts and acts reported from outside are shown with the contact, newest first, narrowed by metric (V3)."""
    company = shared_company
    email = company.customer("reported")
    company.report(
        "support.contact.updated.v1",
        contact={"email": email, "external_id": f"shop-{email}"},
        name="Reported",
        segments=["vip"],
        custom={"size": "XL"},
    )
    for metric, at in (("placed_order", "2026-11-01T10:00:00Z"), ("viewed", "2026-11-02T10:00:00Z")):
        company.report(
            "support.contact.event_recorded.v1", contact={"email": email}, metric=metric, at=at, properties={}
        )
    contact = until(lambda: company.owner.get("/v1/contacts", q=email)["items"])[0]
    path = f"/v1/contacts/{contact['id']}"
    acts = until(lambda: e if len(e := company.owner.get(f"{path}/events")["items"]) == 2 else [])
    orders = company.owner.get(f"{path}/events", metric="placed_order")["items"]

    assert (contact["name"], contact["segments"], contact["custom"]) == ("Reported", ["vip"], {"size": "XL"})
    assert [act["metric"] for act in acts] == ["viewed", "placed_order"]
    assert [act["metric"] for act in orders] == ["placed_order"]
