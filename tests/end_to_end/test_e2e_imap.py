"""Email that is read from a mailbox, from a real IMAP server to the ledger."""

from collections.abc import Iterator

import pytest

from end_to_end.company import Company
from end_to_end.mail import Mail
from end_to_end.until import until
from engines import wanting
from engines.dovecot import USER, DovecotEngine, find_dovecot

pytestmark = pytest.mark.engines

PASSWORD = "sesame"


@pytest.fixture
def dovecot(local_engines: None) -> Iterator[DovecotEngine]:
    """A mailbox."""
    binary = find_dovecot()
    if binary is None:
        pytest.skip(wanting.reason(wanting.DOVECOT))
    with DovecotEngine(binary, password=PASSWORD) as engine:
        yield engine


def test_a_mail_from_a_mailbox_opens_a_ticket(shared_company: Company, dovecot: DovecotEngine) -> None:
    """It is taken within moments, and the copy that was forwarded by SMTP is a duplicate (X1, X4, I2)."""
    company = shared_company
    mailbox = {"host": "127.0.0.1", "port": dovecot.port, "security": "none", "username": USER, "password": PASSWORD}
    company.set("email", {"imap": {"main": {**mailbox, "address": company.support}}})
    until(lambda: company.owner.get("/v1/email/imap")["items"][0]["state"] == "watching")
    customer = company.customer()
    mail = Mail(customer, company.support, subject="By IMAP")
    content = mail.content()
    dovecot.deliver(content)
    verdict = company.verdict(mail.message_id)
    company.deliver(customer, content)
    entries = company.verdicts(mail.message_id, 2)
    company.set("email", {"imap": {"main": None}})

    assert verdict["verdict"] == "created"
    assert sorted(entry["verdict"] for entry in entries) == ["created", "duplicate"]
    assert len(company.messages(verdict["ticket_id"])) == 1
