import re

from hypothesis import given
from hypothesis import strategies as st

from service_kit.signing import Signer

OLD = "the old key of this installation"
NEW = "the new key of this installation"
parts = st.lists(st.text(max_size=20), max_size=4)


@given(parts)
def test_signatures_fit_in_a_mail_address(signed: list[str]):
    """A signature is 16 characters that a mail local part, a path and a header may all hold (X2)."""
    signature = Signer(OLD).sign("reply", *signed)

    assert re.fullmatch(r"[a-z2-7]{16}", signature)
    assert Signer(OLD).verify(signature, "reply", *signed)


@given(parts, parts)
def test_other_parts_have_other_signatures(signed: list[str], other: list[str]):
    """Only the very same parts verify: moving a character from one to the next is another text."""
    signature = Signer(OLD).sign("reply", *signed)

    assert Signer(OLD).verify(signature, "reply", *other) is (signed == other)


def test_purposes_do_not_mix():
    """A signature for one purpose is worth nothing for another, nor is the purpose part of the parts."""
    signer = Signer(OLD)
    signature = signer.sign("reply", "ticket_1")

    assert not signer.verify(signature, "unsubscribe", "ticket_1")
    assert not signer.verify(signature, "replyticket_1")


def test_case_is_ignored_and_nothing_else():
    """Mail servers change letter case; any other change is a forgery, also one that is not ASCII."""
    signer = Signer(OLD)
    signature = signer.sign("reply", "ticket_1")

    assert signer.verify(signature.upper(), "reply", "ticket_1")
    assert not signer.verify(signature[:-1], "reply", "ticket_1")
    assert not signer.verify(signature[:-1] + "ü", "reply", "ticket_1")
    assert not signer.verify("", "reply", "ticket_1")


def test_rotation():
    """With a new key in front, mail that is out with old signatures still finds its ticket."""
    rotated = Signer(f"{NEW},{OLD}")

    assert rotated.verify(Signer(OLD).sign("reply", "t"), "reply", "t")
    assert rotated.sign("reply", "t") == Signer(NEW).sign("reply", "t")
    assert not Signer(OLD).verify(rotated.sign("reply", "t"), "reply", "t")
