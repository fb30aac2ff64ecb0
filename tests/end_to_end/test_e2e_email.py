"""Email, from a customer's mail to the reply in their mailbox and back."""

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import compat32
from typing import Any

from end_to_end.company import Company


def bare(header: Any) -> str:
    """A Message-ID without brackets."""
    return str(header).strip().strip("<>")


def answer_to(mail: EmailMessage, *, to_reply_address: bool) -> dict[str, Any]:
    """What a mail program writes when a customer answers a mail."""
    if to_reply_address:
        return {"recipient": mail["Reply-To"].addresses[0].addr_spec, "subject": f"Re: {mail['Subject']}"}
    references = {"In-Reply-To": mail["Message-ID"], "References": mail["Message-ID"]}
    return {"headers": references, "subject": f"Re: {mail['Subject']}"}


def test_a_mail_becomes_a_ticket_that_an_online_agent_has_and_the_reason_can_be_read(company: Company) -> None:
    """A mail opens a ticket, it goes to the only agent online, and the decision names all candidates (I1, A2, A9)."""
    away, online = company.agent(), company.agent(online=True)
    customer = company.customer()
    sent = company.mail(customer, subject="Where is it?", text="Order 17 has not come.")
    verdict = company.verdict(sent)
    ticket = company.assigned(verdict["ticket_id"])
    (decision,) = company.decisions(ticket["id"])
    reasons = {one["agent_id"]: (one["eligible"], one["reason"]) for one in decision["candidates"]}

    assert (verdict["verdict"], verdict["channel"]) == ("created", "email")
    assert ticket["assignee"] == {"id": online.id, "name": online.name}
    assert (ticket["subject"], ticket["contact"]["email"], ticket["cycle"]) == ("Where is it?", customer, 1)
    assert [one["text"].strip() for one in company.messages(ticket["id"])] == ["Order 17 has not come."]
    assert decision.keys() >= {"at", "rule", "chosen", "candidates", "schedule_version"}
    assert (decision["rule"], decision["chosen"]) == ("round_robin", online.id)
    assert reasons[online.id][0] is True
    assert reasons[away.id] == (False, "offline")


def test_a_reply_leaves_as_a_mail_of_the_thread(shared_company: Company) -> None:
    """A reply goes to the customer from the support address, threaded, and is not marked as automatic (X8)."""
    company = shared_company
    customer = company.customer()
    asked = company.mail(customer, subject="Broken cup")
    ticket = company.ticket_of(asked)
    mail = company.reply_and_get_mail(ticket["id"], customer, "We send another one.")
    company.delivery(ticket["id"], "sent")

    assert mail["From"].addresses[0].addr_spec == company.support
    assert mail["To"].addresses[0].addr_spec == customer
    assert "Broken cup" in mail["Subject"]
    assert bare(mail["In-Reply-To"]) == asked
    assert asked in mail["References"]
    assert mail["Reply-To"].addresses[0].username.startswith("support+")
    assert mail["Reply-To"].addresses[0].domain == company.support.partition("@")[2]
    assert mail["Auto-Submitted"] in {None, "no"}
    assert mail["Date"]
    assert mail.get_body(("plain",)).get_content().strip() == "We send another one."


def test_the_answer_to_our_mail_joins_its_ticket_by_message_id_and_by_plus_address(shared_company: Company) -> None:
    """A customer's answers land in the ticket of our mail, by In-Reply-To and by the reply address (X2)."""
    company = shared_company
    customer = company.customer()
    ticket = company.opened_by_mail(customer)
    ours = company.reply_and_get_mail(ticket["id"], customer)
    by_id = company.verdict(company.mail(customer, text="By the id.", **answer_to(ours, to_reply_address=False)))
    by_address = company.verdict(
        company.mail(customer, text="By the address.", **answer_to(ours, to_reply_address=True))
    )
    texts = [(one["kind"], one["text"].strip()) for one in company.messages(ticket["id"])]

    assert (by_id["verdict"], by_id["ticket_id"]) == ("appended", ticket["id"])
    assert (by_address["verdict"], by_address["ticket_id"]) == ("appended", ticket["id"])
    assert by_id["rule"] != by_address["rule"]
    assert texts[-2:] == [("inbound", "By the id."), ("inbound", "By the address.")]


def test_a_later_reply_refers_to_the_whole_thread(shared_company: Company) -> None:
    """References names every mail of the thread, identifiers as they are and never encoded (X8, RFC 5322)."""
    company = shared_company
    customer = company.customer()
    asked = company.mail(customer)
    ticket = company.ticket_of(asked)
    first = company.reply_and_get_mail(ticket["id"], customer, "One")
    company.reply_and_get_mail(ticket["id"], customer, "Two")
    raw = company.relay.contents_to(customer)[1]
    head = message_from_bytes(raw, policy=compat32)

    assert [bare(word) for word in str(head["References"]).split()] == [asked, bare(first["Message-ID"])]
    assert bare(head["In-Reply-To"]) == bare(first["Message-ID"])


def test_notes_never_leave_by_mail(shared_company: Company) -> None:
    """A note is in no mail of its ticket, neither the reply before it nor the one after (N1, W5)."""
    company = shared_company
    customer = company.customer()
    ticket = company.opened_by_mail(customer)
    company.owner.post(f"/v1/tickets/{ticket['id']}/notes", {"text": "He is on the blacklist"})
    company.reply_and_get_mail(ticket["id"], customer, "One")
    company.owner.post(f"/v1/tickets/{ticket['id']}/notes", {"text": "Still on the blacklist"})
    company.reply_and_get_mail(ticket["id"], customer, "Two")

    assert len(company.relay.contents_to(customer)) == 2
    assert b"blacklist" not in b"".join(company.relay.contents_to(customer))


def test_an_answer_reopens_a_closed_ticket_in_a_new_cycle(shared_company: Company) -> None:
    """The answer to our mail reopens the closed ticket and begins cycle 2 (X5, L5)."""
    company = shared_company
    customer = company.customer()
    ticket = company.opened_by_mail(customer)
    ours = company.reply_and_get_mail(ticket["id"], customer)
    company.owner.post(f"/v1/tickets/{ticket['id']}/close")
    verdict = company.verdict(company.mail(customer, **answer_to(ours, to_reply_address=False)))
    reopened = company.ticket(ticket["id"])

    assert (verdict["verdict"], verdict["ticket_id"]) == ("reopened", ticket["id"])
    assert (reopened["status"], reopened["cycle"]) == ("open", 2)


def test_a_new_thread_of_the_same_customer_is_a_new_ticket(shared_company: Company) -> None:
    """A second mail that answers nothing opens a second ticket (X5)."""
    customer = shared_company.customer()
    first = shared_company.opened_by_mail(customer)
    second = shared_company.opened_by_mail(customer)

    assert first["id"] != second["id"]
    assert second["number"] > first["number"]
    assert first["contact"]["id"] == second["contact"]["id"]


def test_a_stranger_who_answers_our_mail_opens_a_ticket_of_their_own(shared_company: Company) -> None:
    """A match needs a participant: a stranger with our Message-ID gets a new, linked ticket (X3)."""
    company = shared_company
    customer = company.customer()
    ticket = company.opened_by_mail(customer)
    ours = company.reply_and_get_mail(ticket["id"], customer)
    stranger = company.customer("stranger")
    verdict = company.verdict(company.mail(stranger, **answer_to(ours, to_reply_address=False)))
    other = company.ticket(verdict["ticket_id"])

    assert (verdict["verdict"], other["id"] != ticket["id"]) == ("created", True)
    assert other["suspected_thread_of"] == ticket["id"]
    assert len(company.messages(ticket["id"])) == 2


def test_somebody_in_copy_takes_part_and_stays_in_copy(shared_company: Company) -> None:
    """Who was in copy of the mail may answer in its ticket, and our reply goes to them too (X3, X8)."""
    company = shared_company
    customer, colleague = company.customer(), company.customer("colleague")
    sent = company.mail(customer, headers={"Cc": colleague})
    ticket = company.ticket_of(sent)
    ours = company.reply_and_get_mail(ticket["id"], colleague)
    verdict = company.verdict(company.mail(colleague, **answer_to(ours, to_reply_address=False)))

    assert [one.addr_spec for one in ours["Cc"].addresses] == [colleague]
    assert (verdict["verdict"], verdict["ticket_id"]) == ("appended", ticket["id"])


def test_the_same_mail_delivered_again_is_a_duplicate(shared_company: Company) -> None:
    """A redelivered mail has a verdict of its own, and makes no second message (I2, I4)."""
    company = shared_company
    customer = company.customer()
    content = (
        f"From: {customer}\r\nTo: {company.support}\r\nSubject: Twice\r\nDate: Sat, 21 Nov 2026 10:00:00 +0000\r\n"
        f"Message-ID: <twice.{customer}>\r\n\r\nOnly once, please.\r\n"
    ).encode()
    company.deliver(customer, content)
    first = company.verdict(f"twice.{customer}")
    company.deliver(customer, content)
    entries = company.verdicts(f"twice.{customer}", 2)

    assert sorted(entry["verdict"] for entry in entries) == ["created", "duplicate"]
    assert {entry["ticket_id"] for entry in entries} == {first["ticket_id"]}
    assert len(company.messages(first["ticket_id"])) == 1


def test_a_reply_that_overtakes_its_question_ends_in_one_ticket(shared_company: Company) -> None:
    """A mail that another one already refers to joins that one's ticket (X2: mail overtakes mail)."""
    company = shared_company
    customer = company.customer()
    late_id = f"late.{customer}"
    early = company.ticket_of(company.mail(customer, headers={"In-Reply-To": f"<{late_id}>"}))
    late = company.verdict(company.mail(customer, message_id=late_id))

    assert (late["verdict"], late["ticket_id"]) == ("appended", early["id"])


def test_an_out_of_office_answer_is_shown_and_nothing_else(shared_company: Company) -> None:
    """Automatic mail is shown with a verdict and rule, never reopens, and is never answered by itself (X7)."""
    company = shared_company
    customer = company.customer()
    ticket = company.opened_by_mail(customer)
    ours = company.reply_and_get_mail(ticket["id"], customer)
    company.owner.post(f"/v1/tickets/{ticket['id']}/close")
    answer = answer_to(ours, to_reply_address=False)
    answer["headers"]["Auto-Submitted"] = "auto-replied"
    verdict = company.verdict(company.mail(customer, text="I am away.", **answer))
    after = company.ticket(ticket["id"])
    last = company.messages(ticket["id"])[-1]
    company.opened_by_mail()

    assert (verdict["verdict"], verdict["ticket_id"]) == ("automatic", ticket["id"])
    assert verdict["rule"]
    assert (after["status"], after["cycle"]) == ("closed", 1)
    assert (last["kind"], last["text"].strip(), last["automatic"]) == ("inbound", "I am away.", True)
    assert len(company.relay.mails_to(customer)) == 1


def test_a_mailbox_that_refuses_our_mail_is_shown_as_failed(shared_company: Company) -> None:
    """A relay's 5xx makes the reply's delivery failed, with the relay's words, on message and deliveries (X8)."""
    company = shared_company
    ticket = company.opened_by_mail(company.customer("refused"))
    company.owner.post(f"/v1/tickets/{ticket['id']}/messages", {"text": "Hello"})
    delivery = company.delivery(ticket["id"], "failed")
    (listed,) = company.owner.get("/v1/deliveries", ticket=ticket["id"])["items"]

    assert "550" in delivery["reason"]
    assert (listed["state"], listed["ticket_id"]) == ("failed", ticket["id"])
