"""The names of a forwarding check's mails."""

import pytest

from contracts.mail import CheckVariant
from service_kit.mail_checks import CheckMail, check_of
from service_kit.signing import Signer

OLD, NEW = "an old key of sixteen", "a new key of sixteen"
CHECK = "fwc_" + "a" * 24


@pytest.mark.parametrize("variant", ["plain", "tagged"])
def test_what_we_named_we_know_again(variant: CheckVariant) -> None:
    """A mail is known by its Message-ID, whatever a server does to its letters, and after a key was rotated."""
    mail = CheckMail(CHECK, 12, variant)
    mail_id = mail.mail_id(Signer(OLD), "acc_1", "acme.example")

    assert check_of(Signer(OLD), "acc_1", mail_id) == mail
    assert check_of(Signer(f"{NEW},{OLD}"), "acc_1", mail_id.upper()) == mail


@pytest.mark.parametrize("changed", [("aaa", "aab"), (".12.", ".13."), (".plain.", ".tagged."), ("chk.", "tic.")])
def test_nobody_else_can_name_one(changed: tuple[str, str]) -> None:
    """Another check, run or variant, another account or key, and any other name is none of ours (S4)."""
    mail_id = CheckMail(CHECK, 12, "plain").mail_id(Signer(OLD), "acc_1", "acme.example")

    assert check_of(Signer(OLD), "acc_1", mail_id.replace(*changed, 1)) is None
    assert check_of(Signer(OLD), "acc_2", mail_id) is None
    assert check_of(Signer(NEW), "acc_1", mail_id) is None
    assert check_of(Signer(OLD), "acc_1", None) is None
