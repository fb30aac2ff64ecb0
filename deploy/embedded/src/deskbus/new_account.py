"""Creating an account from the outside in: people in tickets, then its support address through the public API."""

import asyncio
import secrets
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import ValidationError

import tickets.people.account_workflow
import tickets.people_app
from deskbus.demo.api import Api, ApiError
from service_kit.errors import DeskbusError
from service_kit.http.problems import invalid_request
from service_kit.platform import Platform

_NOT_FOUND = 404
_SETTLE_SECONDS = 15.0
_POLL_SECONDS = 0.05


class AccountIncompleteError(DeskbusError):
    """The account exists, but a service has not taken it in."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Everything an owner needs to begin."""

    base_url: str
    email: str
    password: str
    api_key: str
    account_id: str
    agent_id: str
    support_address: str

    def as_json(self) -> dict[str, Any]:
        """The public shape of `owner.json`."""
        return asdict(self)


async def create_account(
    platform: Platform,
    *,
    base_url: str,
    name: str,
    owner_email: str,
    support_address: str,
    account_id: str | None = None,
) -> Owner:
    """Create an account with a random owner password; returns when its support address takes mail.

    The support address is what `account` learns last: a creation that failed on the way is finished by repeating it.

    Args:
        platform: of the tickets service; its store is open.
        base_url: where the running system answers.
        name: of the company.
        owner_email: for logging in.
        support_address: where its customers write; unique over all accounts.
        account_id: of the caller's, so that an interrupted creation can be repeated.

    Raises:
        Problem, ApiError: an address is taken, or not valid.
        AccountIncompleteError: the services did not take the account in within 15 s.
    """
    password = secrets.token_urlsafe(18)
    try:
        wanted = tickets.people.account_workflow.NewAccount(
            name=name, owner_name="Owner", email=owner_email, password=password, account_id=account_id
        )
    except ValidationError as error:
        raise invalid_request(error.errors(include_url=False, include_input=False)) from error
    created = await tickets.people_app.create_account(platform, wanted)
    async with Api(base_url, created.api_key) as api:
        await _once_known(api, "/v1/settings/email", {"addresses": {support_address: {"from_name": name}}})
        await _once_known(api, "/v1/settings/chat", {"support_address": support_address})
        await _once_known(api, "/v1/settings/account", {"support_email": support_address})
    return Owner(
        base_url=base_url,
        email=owner_email,
        password=password,
        api_key=created.api_key,
        account_id=created.account_id,
        agent_id=created.agent_id,
        support_address=support_address,
    )


async def _once_known(api: Api, path: str, patch: dict[str, Any]) -> None:
    """Patch settings as soon as their owner has heard of the account."""
    deadline = asyncio.get_running_loop().time() + _SETTLE_SECONDS
    while True:
        try:
            await api.patch(path, patch)
        except ApiError as error:
            if error.status != _NOT_FOUND:
                raise
            if asyncio.get_running_loop().time() > deadline:
                raise AccountIncompleteError(f"{path} did not learn of the account in time; try again") from error
            await asyncio.sleep(_POLL_SECONDS)
        else:
            return
