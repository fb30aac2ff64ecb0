"""Names and addresses that we signed, while the key that signs them is rotated (X2)."""

from contracts.inbound import MailHeaders
from service_kit.signing import Signer
from tickets.intake.threading import KnownMails, clues
from tickets.ticket.mail_ids import OwnMail, SignedIds

OLD, NEW = "an old key of sixteen", "a new key of sixteen"
TICKET, MESSAGE = "tic_" + "a" * 24, "msg_" + "b" * 24


def _token(signed: SignedIds) -> str:
    address = signed.reply_address("acc_1", TICKET, "support@acme.example")
    assert address is not None
    return address.partition("+")[2].partition("@")[0]


def test_answers_to_mails_of_before_a_rotation_find_their_ticket() -> None:
    """With the new key in front of the old one, both are read, and only the new one signs."""
    before, after = SignedIds(Signer(OLD)), SignedIds(Signer(f"{NEW},{OLD}"))
    mail_id = before.message_id("acc_1", TICKET, MESSAGE, "acme.example")
    answer = MailHeaders(reply_token=_token(before), in_reply_to=(mail_id,))
    found = [(clue.rule, clue.ticket_ids) for clue in clues("acc_1", answer, KnownMails(), after)]

    assert found == [("signed_address", (TICKET,)), ("signed_message_id", (TICKET,))]
    assert after.read_message_id("acc_1", mail_id) == OwnMail(TICKET, MESSAGE)
    assert after.message_id("acc_1", TICKET, MESSAGE, "acme.example") != mail_id
    assert before.read_token("acc_1", _token(after)) is None


def test_a_key_that_was_taken_away_signs_for_nothing() -> None:
    """Once the old key is gone, what it signed is a stranger's word; stored Message-IDs still match as such."""
    before, after = SignedIds(Signer(OLD)), SignedIds(Signer(NEW))
    mail_id = before.message_id("acc_1", TICKET, MESSAGE, "acme.example")
    answer = MailHeaders(reply_token=_token(before), in_reply_to=(mail_id,))
    known = KnownMails(holders={f"acc_1/{mail_id}": [TICKET]})

    assert list(clues("acc_1", answer, KnownMails(), after)) == []
    assert [clue.rule for clue in clues("acc_1", answer, known, after)] == ["in_reply_to"]
