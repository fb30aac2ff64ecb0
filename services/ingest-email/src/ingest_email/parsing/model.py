"""What a mail says, once understood: plain values that travel from the parser's process to ours."""

from dataclasses import dataclass
from datetime import datetime

from contracts.automatic_kind import AutomaticKind


@dataclass(frozen=True, slots=True)
class AutomaticMark:
    """Why a mail counts as written by a machine."""

    kind: AutomaticKind
    rule: str


@dataclass(frozen=True, slots=True)
class FailedRecipient:
    """Whom a mail did not reach, with the enhanced status code and the other server's words where they are given."""

    address: str
    status: str | None = None
    diagnostic: str | None = None


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """What a mail server reports about a mail (RFC 3464). `reported_id` is that mail's Message-ID.

    `actions` are what it says of all recipients, in lower case; `failed` are those of the action `failed`.
    """

    actions: tuple[str, ...] = ()
    failed: tuple[FailedRecipient, ...] = ()
    reported_id: str | None = None


@dataclass(frozen=True, slots=True)
class MailHead:
    """What the header block says. Ids stand without angle brackets, addresses in lower case.

    `from_email` is the author named by the mail itself, None where it names nobody. `date_text` is the date in one
    spelling, for the identity. `synthetic_id` stands in for a Message-ID that is not there. `report` is
    what a delivery report says in its body.
    """

    from_email: str | None = None
    from_name: str | None = None
    subject: str | None = None
    date_text: str = ""
    sent_at: datetime | None = None
    message_id: str | None = None
    synthetic_id: str | None = None
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    automatic: AutomaticMark | None = None
    report: DeliveryReport | None = None


@dataclass(frozen=True, slots=True)
class AttachedFile:
    """A file of a mail, without its bytes. `content_id` is set where the HTML can show it (`cid:`)."""

    name: str
    content_type: str
    size: int
    content_id: str | None = None


@dataclass(frozen=True, slots=True)
class MailBody:
    """What the mail says. `left_out` names what was cut off at a limit: public codes, the raw mail has the rest."""

    text: str = ""
    html: str | None = None
    quoted_text: str | None = None
    files: tuple[AttachedFile, ...] = ()
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ParsedMail:
    """A mail that was understood, and the bytes of `body.files` in the same order."""

    head: MailHead
    body: MailBody
    contents: tuple[bytes, ...] = ()
