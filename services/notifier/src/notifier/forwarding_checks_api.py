"""Checks of forwarding over HTTP: "send a test mail and see it arrive"."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends
from pydantic import BaseModel, ConfigDict, Field

from notifier.forwarding_check import CheckedMail, CheckState, ForwardingCheck
from notifier.forwarding_checks import ForwardingChecks
from service_kit.auth import Permission, Principal, requires
from service_kit.http.audited import Act, audited
from service_kit.http.pages import Cursor, Limit, PageOf
from service_kit.http.problems import not_found
from service_kit.http.routes import Routes

PREFIX = "/v1/email/forwarding-checks"

Reader = Annotated[Principal, Depends(requires(Permission.SETTINGS_READ))]
Manager = Annotated[Principal, Depends(requires(Permission.SETTINGS_MANAGE))]


class NewCheck(BaseModel):
    """One of the account's support addresses."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"address": "support@acme.example"}})

    address: str = Field(min_length=3, max_length=320)


class CheckedMailView(BaseModel):
    """One mail: `queued` (the relay does not have it), `sent`, `arrived`, or `missing` with the reason."""

    state: CheckState
    reason: str | None
    arrived_at: datetime | None


class CheckView(CheckedMailView):
    """The newest check of an address: the mail to the address itself, and one with a token behind a plus sign.

    `plus_address` is null where a token would make the address too long. `drops_plus_addresses` says what is known
    from this check or an earlier one; while it is true, our mails do not ask for answers to such an address.
    """

    id: str
    address: str
    plus_address: CheckedMailView | None
    drops_plus_addresses: bool | None
    started_at: datetime


def forwarding_checks_router(checks: ForwardingChecks) -> Routes:
    """`/v1/email/forwarding-checks`."""
    router = Routes(PREFIX, tags=["email"])

    @router.get("")
    async def list_forwarding_checks(principal: Reader, limit: Limit = 50, cursor: Cursor = None) -> PageOf[CheckView]:
        """The newest check of each address, the newest first."""
        page = await checks.page(principal.account_id, limit=limit, cursor=cursor)
        return PageOf(items=[_view(one) for one in page.items], next_cursor=page.next_cursor)

    @router.post("", status_code=201)
    async def check_forwarding(
        principal: Manager, body: NewCheck, act: Annotated[Act, audited("forwarding_check.started")]
    ) -> CheckView:
        """Send two test mails to a support address; look at the check again to see whether they arrive.

        No ticket comes of them. 422 `not_a_support_address`, 409 `forwarding_check_running`.
        """
        check = await checks.begin(principal.account_id, body.address.strip().lower())
        act.target_id = check.id
        return _view(check)

    @router.get("/{check_id}")
    async def read_forwarding_check(principal: Reader, check_id: str) -> CheckView:
        """How a check stands."""
        check = await checks.one(principal.account_id, check_id)
        if check is None:
            raise not_found("forwarding check")
        return _view(check)

    return router


def _view(check: ForwardingCheck) -> CheckView:
    return CheckView(
        id=check.id,
        address=check.address,
        plus_address=_mail_view(check.tagged) if check.tagged else None,
        drops_plus_addresses=check.drops_tags,
        started_at=check.started_at,
        **_mail_view(check.plain).model_dump(),
    )


def _mail_view(mail: CheckedMail) -> CheckedMailView:
    return CheckedMailView(state=mail.state, reason=mail.reason, arrived_at=mail.arrived_at)
