"""Whether mail to a support address arrives here: what a check knows, and how it goes on. Pure.

Two mails are sent: one to the address as customers know it, one with a token behind a plus sign, as our Reply-To has
it. A provider that forwards the first and drops the second is one whose customers must not be given such addresses.
"""

from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict

from contracts.envelope import UtcDatetime
from contracts.ids import derive_id
from contracts.mail import CheckVariant
from service_kit.docstore import CollectionSpec, Index
from service_kit.mail_checks import CheckMail
from service_kit.timers import Timed, with_due, without_due

SEND, MISS = "send", "miss"
RETRY_AFTER = timedelta(seconds=30)
_VARIANTS: tuple[CheckVariant, ...] = ("plain", "tagged")
_MOST_CHARACTERS = 500

CheckState = Literal["queued", "sent", "arrived", "missing"]
"""Public contract: the relay does not have it yet, has it, we have it back, or it did not come in time."""


class CheckedMail(BaseModel):
    """One of a check's mails; `reason` says why it is missing or still waits."""

    model_config = ConfigDict(frozen=True)

    state: CheckState = "queued"
    reason: str | None = None
    arrived_at: UtcDatetime | None = None


class ForwardingCheck(Timed):
    """The newest check of one address; the id derives from account and address.

    `run` counts the checks of the address. `tagged` is None where a token would make the address too long.
    `drops_tags` is what is known so far, from this run or an earlier one: only a run can say so whose plain mail came.
    """

    account_id: str
    address: str
    run: int
    plain: CheckedMail = CheckedMail()
    tagged: CheckedMail | None = CheckedMail()
    drops_tags: bool | None = None
    started_at: UtcDatetime


FORWARDING_CHECKS = CollectionSpec(
    name="forwarding_checks", model=ForwardingCheck, indexes=(Index(("account_id", "started_at")), Index(("due_at",)))
)


def check_id(account_id: str, address: str) -> str:
    """One document for each address."""
    return derive_id("fwc", account_id, address)


def begun(
    before: ForwardingCheck | None, account_id: str, address: str, now: datetime, *, has_tag: bool
) -> ForwardingCheck:
    """The next check of an address, its mails due at once."""
    check = ForwardingCheck(
        id=check_id(account_id, address),
        rev=before.rev if before else 0,
        account_id=account_id,
        address=address,
        run=before.run + 1 if before else 1,
        tagged=CheckedMail() if has_tag else None,
        drops_tags=before.drops_tags if before else None,
        started_at=now,
    )
    return with_due(check, SEND, now)


def is_running(check: ForwardingCheck) -> bool:
    """Whether something of it is still to come."""
    return any(mail.state in {"queued", "sent"} for mail in (check.plain, check.tagged) if mail is not None)


def to_send(check: ForwardingCheck) -> list[CheckMail]:
    """The mails that the relay does not have."""
    waiting = [one for one in _VARIANTS if (mail := mail_of(check, one)) is not None and mail.state == "queued"]
    return [CheckMail(check.id, check.run, variant) for variant in waiting]


def mail_of(check: ForwardingCheck, variant: CheckVariant) -> CheckedMail | None:
    """One of the two."""
    return check.plain if variant == "plain" else check.tagged


def handed_over(check: ForwardingCheck, variant: CheckVariant) -> ForwardingCheck:
    """The relay has it, unless it is back already."""
    return _changed(check, variant, CheckedMail(state="sent"), only_from={"queued"})


def deferred(check: ForwardingCheck, variant: CheckVariant, reason: str) -> ForwardingCheck:
    """The relay does not take it now."""
    return _changed(check, variant, CheckedMail(reason=reason[:_MOST_CHARACTERS]), only_from={"queued"})


def returned(check: ForwardingCheck, variant: CheckVariant, reason: str | None) -> ForwardingCheck:
    """It is known that it will not come."""
    missing = CheckedMail(state="missing", reason=(reason or "it came back undeliverable")[:_MOST_CHARACTERS])
    return _settled(_changed(check, variant, missing, only_from={"queued", "sent"}))


def arrived(check: ForwardingCheck, variant: CheckVariant, at: datetime) -> ForwardingCheck:
    """It came back to us, in time or later."""
    here = CheckedMail(state="arrived", arrived_at=at)
    return _settled(_changed(check, variant, here, only_from={"queued", "sent", "missing"}))


def waited(check: ForwardingCheck, after: timedelta) -> ForwardingCheck:
    """The time is over; what has not come by now counts as missing."""
    for variant in _VARIANTS:
        mail = mail_of(check, variant)
        if mail is not None and mail.state in {"queued", "sent"}:
            said = mail.reason or f"nothing arrived within {after.total_seconds():g} s"
            check = _changed(check, variant, CheckedMail(state="missing", reason=said))
    return _settled(check)


def after_sending(check: ForwardingCheck, now: datetime, patience: timedelta) -> ForwardingCheck:
    """What is due next: another attempt with what the relay did not take, and the end of our patience."""
    check = without_due(check, SEND)
    ends_at = check.started_at + patience
    if to_send(check) and now + RETRY_AFTER < ends_at:
        check = with_due(check, SEND, now + RETRY_AFTER)
    return with_due(check, MISS, ends_at) if is_running(check) else check


def _settled(check: ForwardingCheck) -> ForwardingCheck:
    """Learn what the two mails say of plus-addresses, and wait no more once both are known."""
    if check.tagged is not None and check.tagged.state == "arrived":
        check = check.model_copy(update={"drops_tags": False})
    elif check.tagged is not None and check.tagged.state == "missing" and check.plain.state == "arrived":
        check = check.model_copy(update={"drops_tags": True})
    return check if is_running(check) else without_due(without_due(check, SEND), MISS)


def _changed(
    check: ForwardingCheck, variant: CheckVariant, mail: CheckedMail, only_from: set[CheckState] | None = None
) -> ForwardingCheck:
    before = mail_of(check, variant)
    if before is None or (only_from is not None and before.state not in only_from):
        return check
    return check.model_copy(update={variant: mail})
