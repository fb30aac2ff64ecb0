"""Every query for accounts."""

from collections.abc import Sequence

from service_kit.docstore import Cmp, DocStore, Fate
from service_kit.docstore.every_page import every
from tickets.people.accounts import ACCOUNTS, Account


class AccountStore:
    """Accounts in the document store."""

    def __init__(self, store: DocStore) -> None:
        self._accounts = store.collection(ACCOUNTS)

    async def find(self, account_id: str) -> Account | None:
        """One account."""
        return await self._accounts.get(account_id)

    async def every(self) -> Sequence[Account]:
        """All accounts."""
        return await every(self._accounts, Cmp("id", ">", ""))

    async def insert(self, account: Account) -> Fate:
        """Add one."""
        return (await self._accounts.insert_many([account]))[0]

    async def replace(self, account: Account) -> Fate:
        """Change one; STALE when it changed meanwhile."""
        return (await self._accounts.replace_many([account]))[0]
