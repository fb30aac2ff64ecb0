from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.inbound import MailHeaders
from service_kit.signing import Signer
from tickets.intake.threading import Clue, KnownMails, Matched, Suspected, Unmatched, clues, match
from tickets.ticket.mail_ids import SignedIds, clean_ids, scoped, without_plus
from tickets.ticket.model import Correspondence, Message, Ticket

SIGNED = SignedIds(Signer("a key for tests that guards nothing"))
TICKET = "tic_" + "a" * 24
MESSAGE = "msg_" + "b" * 24
OURS = SIGNED.message_id("acc_1", TICKET, MESSAGE, "acme.example")
REPLY_TO = SIGNED.reply_address("acc_1", TICKET, "support@acme.example") or ""
TOKEN = REPLY_TO.partition("+")[2].partition("@")[0]

mail_ids = st.text(alphabet="ab<> @.", max_size=8)


def _known(**held: str) -> KnownMails:
    """Stored mails by Message-ID, each in the ticket of that name; `ref` is only referred to by its ticket."""
    known = KnownMails()
    known.holders.update({scoped("acc_1", mail_id): [ticket] for mail_id, ticket in held.items() if mail_id != "ref"})
    if "ref" in held:
        known.referrers[scoped("acc_1", "ref")] = [held["ref"]]
    return known


@pytest.mark.parametrize(
    ("mail", "found"),
    [
        (MailHeaders(reply_token=TOKEN, references=("m1",)), ["signed_address", "references"]),
        (MailHeaders(in_reply_to=(OURS,), references=("m1",)), ["signed_message_id", "references"]),
        (MailHeaders(references=("m1", "m2")), ["references", "references"]),
        (MailHeaders(in_reply_to=("m1",)), ["in_reply_to"]),
        (MailHeaders(message_id="ref"), ["overtaken"]),
        (MailHeaders(references=("ref",)), ["shared_reference"]),
        (MailHeaders(references=("nowhere",), in_reply_to=("x",)), []),
        (MailHeaders(message_id="", references=("", "<>"), in_reply_to=(" ",)), []),
    ],
    ids=lambda value: str(value)[:30],
)
def test_order_of_clues(mail: MailHeaders, found: list[str]):
    """Clues come in the order of X2: what only we can have written first, what anybody shares last."""
    known = _known(m1="t1", m2="t2", ref="t3")

    assert [clue.rule for clue in clues("acc_1", mail, known, SIGNED)] == found


def test_newest_reference_first():
    """References are walked from the newest to the oldest (X2)."""
    mail = MailHeaders(references=("oldest", "m1", "m2"))
    found = [clue.ticket_ids for clue in clues("acc_1", mail, _known(m1="t1", m2="t2"), SIGNED)]

    assert found == [("t2",), ("t1",)]


@given(ours=st.lists(mail_ids), theirs=st.lists(mail_ids))
def test_only_equal_ids_match(ours: list[str], theirs: list[str]):
    """Whatever ids mails carry, a clue needs one that both have and that is not empty (X2)."""
    known = KnownMails()
    for mail_id in clean_ids(ours):
        known.holders[scoped("acc_1", mail_id)] = ["t1"]
    mail = MailHeaders(references=tuple(theirs))
    shared = {mail_id.strip("<> ") for mail_id in ours} & {mail_id.strip("<> ") for mail_id in theirs} - {""}

    assert bool(list(clues("acc_1", mail, known, SIGNED))) == bool(shared)


def test_ids_of_another_account_say_nothing():
    """Neither stored nor signed ids of one account are clues in another (S4)."""
    mail = MailHeaders(reply_token=TOKEN, references=("m1", OURS))

    assert list(clues("acc_2", mail, _known(m1="t1"), SIGNED)) == []


@pytest.mark.parametrize(
    ("contact", "email", "is_bounce", "expected"),
    [
        ("con_1", None, False, Matched(TICKET, "signed_address")),
        ("con_2", "boss@customer.example", False, Matched(TICKET, "signed_address")),
        ("con_2", "other@customer.example", False, Suspected(TICKET, "signed_address")),
        ("con_2", None, False, Suspected(TICKET, "signed_address")),
        ("con_2", "mailer-daemon@x.example", True, Matched(TICKET, "signed_address")),
    ],
)
def test_participants(
    make_ticket: Callable[..., Ticket], contact: str, email: str | None, expected: Any, *, is_bounce: bool
):
    """A match needs the customer, somebody in copy, or a bounce of a mail of ours (X3, X7)."""
    talk = Correspondence(ours="s@a.example", theirs="c@c.example", contact_key="c", cc=("boss@customer.example",))
    tickets = {TICKET: make_ticket(id=TICKET, correspondence=talk)}
    found = [Clue("signed_address", (TICKET,), is_signed=True)]

    assert match(found, tickets, contact_id=contact, email=email, is_bounce=is_bounce) == expected


def test_a_later_clue_with_a_participant_wins(make_ticket: Callable[..., Ticket]):
    """A sender who is a stranger to the first clue's ticket joins the one where they take part (X3)."""
    tickets = {"t1": make_ticket(id="t1", contact_id="con_9"), "t2": make_ticket(id="t2")}
    found = [Clue("references", ("t1", "gone")), Clue("in_reply_to", ("t1", "t2"))]
    outcome = match(found, tickets, contact_id="con_1", email=None, is_bounce=False)

    assert outcome == Matched("t2", "in_reply_to")


def test_unknown_tickets_are_no_suspicion(make_ticket: Callable[..., Ticket]):
    """A clue to a ticket that is not there, or no clue at all, says nothing."""
    outcome = match([Clue("references", ("gone",))], {}, contact_id="con_1", email=None, is_bounce=False)

    assert outcome == Unmatched()


def test_known_mails_learn_from_messages():
    """A stored mail is found by its own id and by those it refers to; one that belongs nowhere by none."""
    known = KnownMails()
    fields = {"account_id": "acc_1", "kind": "inbound", "author": {"kind": "customer"}, "text": "", "created_at": 0}
    placed = Message.model_validate(
        {**fields, "id": "m1", "ticket_id": "t1", "mail_id": "acc_1/a", "mail_references": ["acc_1/b"]}
    )
    known.add(placed)
    known.add(placed)
    known.add(placed.model_copy(update={"ticket_id": None, "mail_id": "acc_1/c"}))

    assert known == KnownMails({"acc_1/a": ["t1"]}, {"acc_1/b": ["t1"]})


def test_our_ids_survive_mail_servers():
    """Our Message-ID and reply address are read back in any letter case, and fit a mail server's limits (X8)."""
    own = SIGNED.read_message_id("acc_1", OURS.upper())

    assert (own and (own.ticket_id, own.message_id)) == (TICKET, MESSAGE)
    assert SIGNED.read_token("acc_1", TOKEN.upper()) == TICKET
    assert len(REPLY_TO.partition("@")[0]) <= 64
    assert SIGNED.reply_address("acc_1", TICKET, f"{'x' * 40}@acme.example") is None


@given(position=st.integers(0, 40), letter=st.sampled_from("abcdef234567"))
def test_a_changed_token_is_not_ours(position: int, letter: str):
    """Changing any letter of a token makes it worthless (X2)."""
    forged = TOKEN[:position] + letter + TOKEN[position + 1 :]

    assert SIGNED.read_token("acc_1", forged) == (TICKET if forged == TOKEN else None)


@pytest.mark.parametrize("address", ["support+x.y@acme.example", " Support@Acme.example ", "support+@acme.example"])
def test_the_address_people_know(address: str):
    """The plus part and the letter case do not make another address."""
    assert without_plus(address) == "support@acme.example"
