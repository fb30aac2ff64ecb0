"""Accounts: the companies that use Deskbus, and which of their agents own them. Pure; no I/O."""

from datetime import datetime

from contracts.schedules import Zone
from service_kit.docstore import CollectionSpec, Document


class Account(Document):
    """One company.

    Its settings live in the area `account`; what they began with is kept here, so that a start after a crash can
    finish what a creation left undone.

    `owner_ids` is the count that keeps an account from losing its last owner: an agent joins it after becoming an
    owner and leaves it before ceasing to be one, so that everybody in it is one at any moment.
    """

    name: str
    zone: Zone
    language: str
    owner_ids: tuple[str, ...]
    created_at: datetime


ACCOUNTS = CollectionSpec(name="accounts", model=Account)


def with_owner(account: Account, agent_id: str) -> Account:
    """The account with one more owner."""
    return account.model_copy(update={"owner_ids": (*account.owner_ids, agent_id)})


def without_owner(account: Account, agent_id: str) -> Account | None:
    """The account with one owner less, or None if nobody would be left."""
    remaining = tuple(owner_id for owner_id in account.owner_ids if owner_id != agent_id)
    return account.model_copy(update={"owner_ids": remaining}) if remaining else None
