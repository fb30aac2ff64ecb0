"""Every query of notifier about suppressed addresses."""

from collections.abc import Collection as Many

from contracts.ids import derive_id
from notifier.model import Suppression, SuppressionScope
from service_kit.docstore import CollectionSpec, DocStore, Eq, Fate, Index, Page, Sort

_SUPPRESSIONS = CollectionSpec(name="suppressions", model=Suppression, indexes=(Index(("account_id", "created_at")),))


_SCOPES: tuple[SuppressionScope, ...] = ("all", "automatic")


class SuppressionStore:
    """The addresses that an account sends no mail to."""

    def __init__(self, store: DocStore) -> None:
        self._suppressions = store.collection(_SUPPRESSIONS)

    async def add(self, suppression: Suppression) -> None:
        """Suppress an address; one that is suppressed stays as it is."""
        await self._suppressions.insert_many([suppression])

    async def among(self, account_id: str, addresses: Many[str]) -> dict[str, Suppression]:
        """Those of `addresses` that are suppressed, by the address as it was given."""
        ids = {address: suppression_id(account_id, address) for address in addresses}
        found = await self._suppressions.get_many(set(ids.values()))
        return {address: found[one] for address, one in ids.items() if one in found}

    async def has_declined(self, account_id: str, address: str) -> bool:
        """Whether the customer wants no automatic mail."""
        return await self._suppressions.get(suppression_id(account_id, address, "automatic")) is not None

    async def list(self, account_id: str, *, limit: int, cursor: str | None) -> Page[Suppression]:
        """An account's suppressed addresses, newest first."""
        mine = Eq("account_id", account_id)
        return await self._suppressions.find(mine, sort=Sort("created_at", descending=True), limit=limit, cursor=cursor)

    async def lift(self, account_id: str, address: str) -> bool:
        """Whether the address was suppressed until now."""
        ids = [suppression_id(account_id, address, scope) for scope in _SCOPES]
        was_there = False
        while found := list((await self._suppressions.get_many(ids)).values()):
            was_there |= Fate.DONE in await self._suppressions.delete_many(found)
        return was_there

    async def forget(self, account_id: str, address: str) -> int:
        """Forget how an address is written: a bounce altogether, a wish not to be written to all but its hash."""
        bounce, wish = (suppression_id(account_id, address, scope) for scope in _SCOPES)
        found = await self._suppressions.get_many([bounce, wish])
        if bounce in found:
            await self._suppressions.delete_many([found[bounce]])
        if wish in found and found[wish].address:
            await self._suppressions.replace_many([found[wish].model_copy(update={"address": "", "reason": "erased"})])
        return len(found)


def suppression_id(account_id: str, address: str, scope: SuppressionScope = "all") -> str:
    """One document for each address and scope, however the address is written."""
    return derive_id("sup", account_id, address.strip().lower(), scope)
