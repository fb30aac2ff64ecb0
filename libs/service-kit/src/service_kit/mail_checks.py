"""The names of mails by which we see whether mail to our own addresses arrives: only we can have written them.

The notifier gives a check's mails these Message-IDs, and ingest-email knows them when they come in.
"""

import re
from dataclasses import dataclass

from contracts.mail import CheckVariant
from service_kit.signing import Signer

_OURS = re.compile(r"chk\.([0-9a-f]{24})\.([1-9][0-9]{0,8})\.(plain|tagged)\.([a-z2-7]{16})@.+", re.IGNORECASE)
_PURPOSE = "forwarding-check"


@dataclass(frozen=True, slots=True)
class CheckMail:
    """One mail of one run of a check."""

    check_id: str
    run: int
    variant: CheckVariant

    def mail_id(self, signer: Signer, account_id: str, domain: str) -> str:
        """Its Message-ID, without brackets."""
        check = self.check_id.partition("_")[2]
        signature = signer.sign(_PURPOSE, account_id, check, str(self.run), self.variant)
        return f"chk.{check}.{self.run}.{self.variant}.{signature}@{domain}"


def check_of(signer: Signer, account_id: str, mail_id: str | None) -> CheckMail | None:
    """What a Message-ID names, if it is one of an account's checks; None for every other."""
    found = _OURS.fullmatch(mail_id or "")
    if found is None:
        return None
    check, run, variant, signature = (part.lower() for part in found.groups())
    if not signer.verify(signature, _PURPOSE, account_id, check, run, variant):
        return None
    return CheckMail(f"fwc_{check}", int(run), "tagged" if variant == "tagged" else "plain")
