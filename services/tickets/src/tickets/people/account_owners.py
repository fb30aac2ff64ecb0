"""Who owns an account, so that it always has somebody who can do everything."""

from service_kit.docstore import Fate
from tickets.people.account_store import AccountStore
from tickets.people.accounts import with_owner, without_owner
from tickets.people.people_problems import last_owner


class AccountOwners:
    """The list of owners in the account document: the one place where two demotions at once meet."""

    def __init__(self, accounts: AccountStore) -> None:
        self._accounts = accounts

    async def add(self, account_id: str, agent_id: str) -> None:
        """Count an agent who has become an owner; again changes nothing."""
        while (account := await self._accounts.find(account_id)) and agent_id not in account.owner_ids:
            if await self._accounts.replace(with_owner(account, agent_id)) is Fate.DONE:
                return

    async def remove(self, account_id: str, agent_id: str) -> bool:
        """Count an agent no longer, before they cease to be an owner; whether they were counted.

        Raises:
            Problem: nobody would be left (`last_owner`).
        """
        while (account := await self._accounts.find(account_id)) and agent_id in account.owner_ids:
            remaining = without_owner(account, agent_id)
            if remaining is None:
                raise last_owner()
            if await self._accounts.replace(remaining) is Fate.DONE:
                return True
        return False
