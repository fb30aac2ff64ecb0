"""Mail as real mail programs, lists, robots and strangers write it, over SMTP both ways."""

import itertools
from email.message import EmailMessage
from typing import Any

import pytest

from end_to_end.company import Company
from end_to_end.system import RunningSystem
from end_to_end.until import until

_numbers = itertools.count(1)
MOST_ROUNDS = 12
"""Of a loop that nobody stops."""


def reply_address(mail: EmailMessage) -> str:
    """Where an answer to our mail goes."""
    address: str = mail["Reply-To"].addresses[0].addr_spec
    return address


def bare(header: Any) -> str:
    """A Message-ID without brackets."""
    return str(header).strip().strip("<>")


def entries_about(company: Company, ticket_id: str) -> list[dict[str, Any]]:
    """The newest entries of the ledger that a ticket came of, oldest first."""
    items = company.owner.get("/v1/intake", channel="email", limit=200)["items"]
    return [entry for entry in items[::-1] if entry["ticket_id"] == ticket_id]


def somebody_is_answered(company: Company) -> None:
    """What a desk now says by itself leaves before this answer to somebody else."""
    bystander = company.customer()
    company.reply_and_get_mail(company.opened_by_mail(bystander)["id"], bystander)


def test_two_people_who_answer_one_newsletter_never_share_a_ticket(shared_company: Company) -> None:
    """A Message-ID that many have is no thread: each answer is a ticket of its own, with its own person (X3)."""
    company = shared_company
    letter = f"<newsletter.{next(_numbers)}@lists.example>"
    people = [company.customer("reader") for _ in range(2)]
    answer = {"headers": {"In-Reply-To": letter, "References": letter}, "subject": "Re: News of the week"}
    tickets = [company.opened_by_mail(one, text=f"This is {one}.", **answer) for one in people]
    again = company.verdict(company.mail(people[0], text="One more thing.", **answer))

    assert tickets[0]["id"] != tickets[1]["id"]
    assert [ticket["contact"]["email"] for ticket in tickets] == people
    assert again["ticket_id"] == tickets[0]["id"]
    for person, ticket in zip(people, tickets, strict=True):
        written = "".join(message["text"] for message in company.messages(ticket["id"]))
        assert [one in written for one in people] == [one == person for one in people]


def test_a_stranger_who_quotes_a_customers_message_id_does_not_get_in(shared_company: Company) -> None:
    """Whoever learnt a customer's Message-ID gets a ticket of their own, linked, and no word of the other (X3, S4)."""
    company = shared_company
    customer, stranger = company.customer(), company.customer("stranger")
    asked = company.mail(customer, subject="Private")
    ticket = company.ticket_of(asked)
    company.reply_and_get_mail(ticket["id"], customer)
    quoting = {"headers": {"In-Reply-To": f"<{asked}>", "References": f"<{asked}>"}, "subject": "Re: Private"}
    other = company.ticket_of(company.mail(stranger, text="What did we say?", **quoting))
    answer = company.reply_and_get_mail(other["id"], stranger, "Who are you?")

    assert other["id"] != ticket["id"]
    assert other["suspected_thread_of"] == ticket["id"]
    assert [message["kind"] for message in company.messages(ticket["id"])] == ["inbound", "outbound"]
    assert customer not in answer.as_string()
    assert len(company.relay.mails_to(customer)) == 1


@pytest.mark.parametrize("kept", ["references", "reply address"])
def test_an_answer_from_outlook_finds_its_ticket(shared_company: Company, kept: str) -> None:
    """Exchange gives our mail another Message-ID, so that In-Reply-To names what we never wrote (X2).

    What is left is one of ours among References, or the reply address alone.
    """
    company = shared_company
    customer = company.customer()
    ticket = company.opened_by_mail(customer)
    ours = company.reply_and_get_mail(ticket["id"], customer)
    theirs = f"<AM0PR0{next(_numbers)}MB@AM0PR04MB.eurprd04.prod.outlook.example>"
    named = f"{ours['Message-ID']} {theirs}" if kept == "references" else theirs
    headers = {"In-Reply-To": theirs, "References": named, "Thread-Topic": "A question", "Thread-Index": "AdSomething="}
    to = {} if kept == "references" else {"recipient": reply_address(ours)}
    verdict = company.verdict(company.mail(customer, subject="RE: A question", headers=headers, **to))

    assert (verdict["verdict"], verdict["ticket_id"]) == ("appended", ticket["id"])


def test_a_mail_without_message_id_is_one_message_however_often_it_comes(shared_company: Company) -> None:
    """Its contents name it: the copy is a duplicate, other words are another mail, and none is dropped (X4)."""
    company = shared_company
    customer = company.customer()
    mail = (
        f"From: {customer}\r\nTo: {company.support}\r\nSubject: No name\r\nDate: Sat, 21 Nov 2026 10:00:00 +0000\r\n"
        "\r\n{words}\r\n"
    )
    for words in ("The same words.", "The same words.", "Other words."):
        company.deliver(customer, mail.format(words=words).encode())

    def look() -> list[dict[str, Any]]:
        found = company.owner.get("/v1/tickets", q=customer, status="any")["items"]
        return found if sum(len(entries_about(company, one["id"])) for one in found) >= 3 else []

    tickets = until(look)
    verdicts = sorted(
        (entry["verdict"], entry["provider_message_id"])
        for one in tickets
        for entry in entries_about(company, one["id"])
    )
    texts = sorted(message["text"].strip() for one in tickets for message in company.messages(one["id"]))

    assert texts == ["Other words.", "The same words."]
    assert [verdict for verdict, _ in verdicts] == ["created", "created", "duplicate"]
    assert all(name for _, name in verdicts)


def test_a_robot_that_answers_everything_is_answered_by_nobody(shared_company: Company) -> None:
    """An auto-responder that does not say it is one gets our one reply; what it answers is shown, no more (X7)."""
    company = shared_company
    robot = company.customer("robot")
    ticket = company.opened_by_mail(robot)
    company.reply_and_get_mail(ticket["id"], robot)
    answered = 0
    while answered < len(ours := company.relay.mails_to(robot)) and answered < MOST_ROUNDS:
        mail = ours[answered]
        answered += 1
        headers = {"In-Reply-To": mail["Message-ID"], "References": mail["Message-ID"]}
        back = company.mail(robot, recipient=reply_address(mail), text="Thank you, we got it.", headers=headers)
        company.verdict(back)
        somebody_is_answered(company)

    assert answered == 1
    assert [message["kind"] for message in company.messages(ticket["id"])] == ["inbound", "outbound", "inbound"]


def test_two_desks_that_write_to_each_other_stop(system: RunningSystem, shared_company: Company) -> None:
    """Our own reply forwarded to another desk of ours opens a ticket there, and no machine says anything more (X7)."""
    left, right = shared_company, system.company()

    def between() -> list[EmailMessage]:
        return [*system.relay.mails_to(right.support), *system.relay.mails_to(left.support)]

    ticket = left.opened_by_mail(right.support)
    left.reply_and_get_mail(ticket["id"], right.support)
    passed, verdicts = 0, []
    while passed < min(len(mails := between()), MOST_ROUNDS):
        mail = mails[passed]
        passed += 1
        desk, sender = (right, left.support) if right.support in mail["To"] else (left, right.support)
        desk.deliver(sender, mail.as_bytes())
        verdicts.append(desk.verdict(bare(mail["Message-ID"]))["verdict"])
        somebody_is_answered(desk)

    assert verdicts == ["created"]


def test_somebody_in_copy_whose_address_is_gone_is_named_on_the_reply(shared_company: Company) -> None:
    """The customer's mail is sent, once; who in copy did not get it stands beside it with the server's words (X8)."""
    company = shared_company
    customer, gone = company.customer(), company.customer("refused-copy")
    ticket = company.ticket_of(company.mail(customer, headers={"Cc": gone}))
    company.reply_and_get_mail(ticket["id"], customer)
    delivery = company.delivery(ticket["id"], "sent")
    (listed,) = company.owner.get("/v1/deliveries", ticket=ticket["id"])["items"]
    suppressed = until(
        lambda: [one for one in company.owner.get("/v1/suppressions")["items"] if one["address"] == gone]
    )

    assert delivery["reason"] == f"not in copy: {gone}: 550 5.1.1 no such mailbox"
    assert [(one["address"], one["state"]) for one in listed["copies"]] == [(gone, "failed")]
    assert suppressed[0]["reason"] == "refused: 550 5.1.1 no such mailbox"
    assert len(company.relay.mails_to(customer)) == 1


def test_a_forwarded_support_address_is_seen_to_work(company: Company) -> None:
    """Two test mails leave for the address; forwarded to us they show as arrived, and open no ticket."""
    begun = company.owner.post("/v1/email/forwarding-checks", {"address": company.support})
    tickets_before = company.owner.get("/v1/tickets", status="any")["items"]

    def sent() -> list[bytes]:
        taken = company.relay.contents_from(company.support)
        return taken if len(taken) == 2 else []

    for content in until(sent):
        company.deliver(company.support, content)

    def is_over() -> dict[str, Any] | None:
        shown: dict[str, Any] = company.owner.get(f"/v1/email/forwarding-checks/{begun['id']}")
        return shown if shown["state"] == shown["plus_address"]["state"] == "arrived" else None

    shown = until(is_over)
    entries = company.owner.get("/v1/intake", channel="email")["items"]

    assert shown["drops_plus_addresses"] is False
    assert {(entry["verdict"], entry["rule"], entry["ticket_id"]) for entry in entries} == {
        ("automatic", "forwarding_check", None)
    }
    assert company.owner.get("/v1/tickets", status="any")["items"] == tickets_before == []
