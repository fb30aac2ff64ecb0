"""Email that a provider hands over by HTTP, from the signed call to the ledger."""

import hashlib
import hmac
import time

from end_to_end.company import Company
from end_to_end.mail import Mail

KEY = "e2e-signing-key"


def mailgun_call(company: Company, mail: Mail, content: bytes, *, token: str, key: str = KEY) -> tuple[int, str | None]:
    """What Mailgun sends for a mail; status and, where it was not taken, the code."""
    timestamp = str(int(time.time()))
    fields: dict[str, str | bytes] = {
        "recipient": mail.recipient,
        "sender": mail.sender,
        "timestamp": timestamp,
        "token": token,
        "signature": hmac.new(key.encode(), f"{timestamp}{token}".encode(), hashlib.sha256).hexdigest(),
        "body-mime": content,
    }
    files = {name: (None, value) for name, value in fields.items()}
    answer = company.owner.client.post("/v1/email/mailgun/inbound/mime", files=files)
    return answer.status_code, answer.json().get("code")


def test_a_mail_by_webhook_and_again_by_smtp_is_one_message(shared_company: Company) -> None:
    """Mailgun's call opens a ticket like any mail; its repetition and the copy by SMTP are duplicates (X1, X4, I2)."""
    company = shared_company
    company.set("email", {"mailgun": {"signing_key": KEY}})
    customer = company.customer()
    mail = Mail(customer, company.support, subject="By webhook")
    content = mail.content()
    first = mailgun_call(company, mail, content, token=f"one.{customer}")
    verdict = company.verdict(mail.message_id)
    again = mailgun_call(company, mail, content, token=f"two.{customer}")
    company.deliver(customer, content)
    entries = company.verdicts(mail.message_id, 3)

    assert (first, again) == ((200, None), (200, None))
    assert verdict["verdict"] == "created"
    assert sorted(entry["verdict"] for entry in entries) == ["created", "duplicate", "duplicate"]
    assert len(company.messages(verdict["ticket_id"])) == 1


def test_a_call_that_is_not_proven_opens_nothing(shared_company: Company) -> None:
    """A wrong key is refused with a status at which Mailgun comes again; unknown recipients end it (I3)."""
    company = shared_company
    company.set("email", {"mailgun": {"signing_key": KEY}})
    customer = company.customer()
    mail, nobodys_mail = Mail(customer, company.support), Mail(customer, "nobody@nowhere.example")
    forged = mailgun_call(company, mail, mail.content(), token=f"forged.{customer}", key="wrong")
    nobodys = mailgun_call(company, nobodys_mail, nobodys_mail.content(), token=f"nobody.{customer}")
    shown = company.owner.get("/v1/settings/email")

    assert forged == (401, "bad_credentials")
    assert nobodys == (406, "unknown_recipient")
    assert "signing_key" not in shown["mailgun"]
