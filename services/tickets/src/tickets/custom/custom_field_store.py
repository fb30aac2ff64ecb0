"""Every query for the definitions of custom fields."""

from collections.abc import Mapping

from service_kit.docstore import All, DocStore, Eq, Fate, Filter, Page, Sort
from tickets.custom.custom_fields import CUSTOM_FIELDS, CUSTOM_FIELDS_PER_ACCOUNT, CustomField, CustomScope

_MOST = 2 * CUSTOM_FIELDS_PER_ACCOUNT
"""Two replicas that add the last one at once may both."""


class CustomFieldStore:
    """Definitions in the document store; every read hides what belongs to another account."""

    def __init__(self, store: DocStore) -> None:
        self._fields = store.collection(CUSTOM_FIELDS)

    async def find(self, account_id: str, field_id: str) -> CustomField | None:
        """One definition of this account, hidden or not."""
        field = await self._fields.get(field_id)
        return field if field is not None and field.account_id == account_id else None

    async def shown(self, account_id: str, scope: CustomScope) -> Mapping[str, CustomField]:
        """All that are not hidden, by key, in their order."""
        page = await self._fields.find(_of(account_id, scope), sort=Sort("place"), limit=_MOST)
        return {field.key: field for field in page.items}

    async def page(
        self, account_id: str, scope: CustomScope | None, *, limit: int, cursor: str | None
    ) -> Page[CustomField]:
        """Those that are not hidden, in their order."""
        return await self._fields.find(_of(account_id, scope), sort=Sort("place"), limit=limit, cursor=cursor)

    async def count(self, account_id: str, *, hidden: bool, at_most: int) -> int:
        """How many the account has."""
        return await self._fields.count(All(Eq("account_id", account_id), Eq("hidden", hidden)), at_most=at_most)

    async def insert(self, field: CustomField) -> Fate:
        """Add one."""
        return (await self._fields.insert_many([field]))[0]

    async def replace(self, field: CustomField) -> Fate:
        """Change one; STALE when it changed meanwhile."""
        return (await self._fields.replace_many([field]))[0]


def _of(account_id: str, scope: CustomScope | None) -> Filter:
    parts: list[Filter] = [Eq("account_id", account_id), Eq("hidden", value=False)]
    if scope is not None:
        parts.append(Eq("scope", scope))
    return All(*parts)
